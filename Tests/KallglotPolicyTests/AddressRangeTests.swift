import KallglotPolicy
import SansIO
import Testing

@Suite struct AddressRangeTests {
  @Test(arguments: [
    ("192.0.2.20", "192.0.2.20", true), ("192.0.2.20", "192.0.2.21", false), ("192.0.2.0/24", "192.0.2.255", true),
    ("192.0.2.77/24", "192.0.2.1", true), ("192.0.2.0/24", "192.0.3.0", false), ("0.0.0.0/0", "8.8.8.8", true),
    ("192.0.2.20/32", "::ffff:192.0.2.20", true), ("::ffff:192.0.2.0/120", "192.0.2.9", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
    ("2001:db8::/32", "2001:db9::1", false), ("2001:db8::1/127", "2001:db8::", true), ("0.0.0.0/0", "2001:db8::1", false),
  ])
  func `ranges hold what CIDR says, host bits ignored, mapped addresses as IPv4 (RFC 4632, RFC 4291)`(
    range: String, address: String, holds: Bool
  ) throws {
    let range = try #require(AddressRange(range))
    let address = try #require(IPAddress(address))
    #expect(range.contains(address) == holds)
  }

  @Test(arguments: ["", "192.0.2", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/", "2001:db8::/129", "pbx", "192.0.2.0/2/4"])
  func `what is no range is nil`(text: String) { #expect(AddressRange(text) == nil) }
}
