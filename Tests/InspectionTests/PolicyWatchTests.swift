import SansIO
import Testing
import WireReader

@testable import Inspection

/// What observers know by themselves, apart from the code that they judge.
@Suite struct PolicyWatchTests {
  @Test(arguments: [
    ("192.0.2.77", 26, "192.0.2.64", true), ("192.0.2.77", 26, "192.0.2.127", true), ("192.0.2.77", 26, "192.0.2.128", false),
    ("192.0.2.77", 26, "192.0.2.63", false), ("0.0.0.0", 0, "203.0.113.9", true), ("0.0.0.0", 0, "2001:db8::1", false),
    ("192.0.2.20", 32, "::ffff:192.0.2.20", true), ("::ffff:192.0.2.0", 120, "192.0.2.9", true),
    ("::ffff:192.0.2.0", 120, "192.0.3.9", false),
    ("2001:db8::", 33, "2001:db8:7fff::1", true), ("2001:db8::", 33, "2001:db8:8000::1", false), ("2001:db8::1", 127, "2001:db8::", true),
  ])
  func `an allowlist entry holds whom its leading bits hold (RFC 4632 §3.1, RFC 4291 §2.5.5.2)`(
    entry: String, bits: Int, address: String, holds: Bool
  ) throws {
    let block = AddressBlock(try #require(IPAddress(entry)), bits: bits)
    #expect(block.holds(try #require(IPAddress(address))) == holds)
  }

  @Test func `an empty list drops nobody, and a list drops whom it does not hold only where the policy says drop`() throws {
    let stranger = try #require(IPAddress("203.0.113.9"))
    var arms = PolicyArms()
    arms.dropsStrangers = true
    #expect(!arms.drops(stranger))
    arms.allow = [AddressBlock(try #require(IPAddress("192.0.2.0")), bits: 24)]
    let listed = try #require(IPAddress("192.0.2.1"))
    #expect(arms.drops(stranger) && !arms.drops(listed))
    arms.dropsStrangers = false
    #expect(!arms.drops(stranger))
  }

  @Test func `what is short is not looked for, a secret is named and never shown, and no dump has it`() {
    var secrets = SecretList()
    secrets.add(Secret("s3cret"), named: "the password of a")
    secrets.add(Secret("correct-horse"), named: "the password of b")
    #expect(secrets.count == 1 && secrets.tooShort == 1)
    #expect(secrets.name(in: Bytes("X: s3cret")) == nil)
    #expect(secrets.name(in: Bytes("X: b:correct-horse")) == "the password of b")
    #expect(secrets.name(in: Bytes("correct-horse")) == "the password of b")
    #expect(secrets.name(in: Bytes("correct-horse1")) == nil && secrets.name(in: Bytes("Acorrect-horse")) == nil)
    var text = ""
    dump(secrets, to: &text)
    #expect(!"\(secrets) \(text)".contains("horse"))
  }

  @Test func `what a policy arms observers for is said by setting, and the rest is armed always`() {
    var arms = PolicyArms()
    #expect(arms.armed.count == 3)
    (arms.requiresSRTP, arms.refusesKeysInClear, arms.transports, arms.codecs) = (true, true, [.tls, .tcp], ["PCMA", "opus"])
    #expect(
      arms.armed.prefix(4) == [
        "RTP outside SRTP (requireSRTP)", "SDES keys outside TLS (sdesOverClear: refuse)",
        "SIP over other transports than TLS and TCP (transports)", "codecs other than PCMA, opus (codecs)",
      ])
    #expect(arms.lists("OPUS") && !arms.lists("PCMU"))
  }
}
