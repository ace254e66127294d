import SDP
import SansIO
import Testing

@Suite struct AddressScopeTests {
  @Test(arguments: [
    ("10.0.0.1", true), ("172.16.0.1", true), ("172.31.255.255", true), ("172.32.0.1", false), ("192.168.3.4", true),
    ("192.169.0.1", false),
    ("100.64.0.1", true), ("100.128.0.1", false), ("169.254.1.1", true), ("203.0.113.7", false), ("fd00::1", true), ("fe80::1", true),
    ("fec0::1", false), ("2001:db8::1", false), ("::ffff:10.0.0.1", true),
  ])
  func `a private address is one that means nothing outside (RFC 1918, 6598, 3927, 4193)`(text: String, isPrivate: Bool) {
    #expect(IPAddress(text)?.isPrivate == isPrivate)
  }

  @Test(arguments: [
    ("10.1.2.3", "RFC 1918 §3"), ("172.31.0.1", "RFC 1918 §3"), ("100.64.0.1", "RFC 6598 §4"), ("169.254.1.1", "RFC 3927 §7"),
    ("fd00::1", "RFC 4193 §3.3"), ("fe80::1", "RFC 4291 §2.5.6"), ("::ffff:192.168.1.1", "RFC 1918 §3"),
  ])
  func `a private address is cited by the section that makes it one`(text: String, section: String) {
    #expect(IPAddress(text)?.privateSection == section)
    let violation = PeerViolation(.privateAddress, text, section: section)
    #expect(violation.description.contains("(\(section))"))
    #expect(PeerViolation(.privateAddress).section == PeerViolation.Rule.privateAddress.section)
  }
}
