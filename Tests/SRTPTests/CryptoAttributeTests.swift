import SansIO
import Testing

@testable import SRTP

/// Lines `a=crypto`, one by one (RFC 4568 §9).
@Suite struct CryptoAttributeTests {
  /// 30, 46, 28 and 44 bytes.
  private static let short = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
  private static let long = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ=="
  private static let sealed128 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
  private static let sealed256 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

  @Test(arguments: [
    "1 AES_CM_128_HMAC_SHA1_80 inline:\(short)", "1 AES_CM_128_HMAC_SHA1_32 inline:\(short)|2^20",
    "999999999 AES_CM_128_HMAC_SHA1_80 inline:\(short)|1048576|1:4", "2 AES_CM_128_HMAC_SHA1_80 inline:\(short)|1:1",
    "3 AES_CM_128_HMAC_SHA1_80 inline:\(short)|2^48|4294967296:5 WSH=64 KDR=0", "4 AES_256_CM_HMAC_SHA1_80 inline:\(long)|2^31",
    "5 AES_CM_256_HMAC_SHA1_80 inline:\(long)", "6 AES_256_CM_HMAC_SHA1_32 inline:\(long)", "7 AES_CM_256_HMAC_SHA1_32 inline:\(long)",
    "8 AEAD_AES_128_GCM inline:\(sealed128)", "9 AEAD_AES_256_GCM inline:\(sealed256)|2^31 -SOMETHING=1 WSH=1024",
    "10 AEAD_AES_128_GCM inline:\(sealed128)|2^20|1:4;inline:\(sealed128)|2^20|2:4",
  ])
  func `what can be used is written as it was read (RFC 4568 §9.1, §9.2)`(line: String) throws {
    let attribute = try CryptoAttribute.parse(Bytes(line))
    #expect(attribute.serialized().text == line)
    #expect(try CryptoAttribute.parse(attribute.serialized()) == attribute)
    #expect(try attribute.keying().suite == attribute.suite)
    let shown = line.split(separator: " ").map { $0.hasPrefix("inline:") ? "" : $0.hasPrefix("-") ? $0.prefix { $0 != "=" } : $0 }
    #expect(attribute.description.split(separator: " ").map { $0.hasPrefix("inline:") ? "" : $0 } == shown)
  }

  @Test func `each part is found`() throws {
    let line = "7 AES_CM_256_HMAC_SHA1_80 inline:\(Self.long)|2^20|66051:4 -X WSH=128"
    let attribute = try CryptoAttribute.parse(Bytes(line))
    #expect(attribute.tag == 7)
    #expect(attribute.suite == .aes256CMHMACSHA1_80)
    #expect(attribute.suiteName == "AES_CM_256_HMAC_SHA1_80")
    #expect(attribute.keys.map { $0.reveal() } == [(0...45).map { UInt8($0) }])
    #expect(attribute.keys[0].lifetime?.packets == 1 << 20)
    #expect(attribute.keys[0].identifier?.bytes == [0, 1, 2, 3])
    #expect(attribute.parameters == [.optionalExtension("-X"), .windowSizeHint(128)])
  }

  @Test(arguments: ["\(long.dropLast(2))", "\(sealed256.dropLast(1))"])
  func `padding that is missing is no harm (RFC 4568 §6.1)`(key: String) throws {
    let suite = key.count > 60 ? "AES_256_CM_HMAC_SHA1_80" : "AEAD_AES_256_GCM"
    let bare = try CryptoAttribute.parse(Bytes("1 \(suite) inline:\(key)|2^31"))
    #expect(try CryptoAttribute.parse(bare.serialized()) == bare)
    #expect(bare.serialized().text.contains("=|2^31"))
  }

  @Test func `tabs and several spaces separate as well (RFC 4568 §9.1)`() throws {
    let attribute = try CryptoAttribute.parse(Bytes("1\t AES_CM_128_HMAC_SHA1_80  inline:\(Self.short)\t\tWSH=64 "))
    #expect(attribute.serialized().text == "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.short) WSH=64")
  }

  private static let refused: [(String, CryptoRefusal, String, Bool)] = [
    ("", .tag(""), "RFC 4568 §9.1", true),
    (" 1 AES_CM_128_HMAC_SHA1_80 inline:\(short)", .tag(""), "RFC 4568 §9.1", true),
    ("x AES_CM_128_HMAC_SHA1_80 inline:\(short)", .tag("x"), "RFC 4568 §9.1", true),
    ("-1 AES_CM_128_HMAC_SHA1_80 inline:\(short)", .tag("-1"), "RFC 4568 §9.1", true),
    ("1234567890 AES_CM_128_HMAC_SHA1_80 inline:\(short)", .tag("1234567890"), "RFC 4568 §9.1", true),
    ("1", .noSuite, "RFC 4568 §9.1", true),
    ("1 inline:\(short)", .noKey, "RFC 4568 §9.1", true),
    ("1 inline:\(short) WSH=64", .suite("inline:W…"), "RFC 4568 §6.2", false),
    ("\(short) AES_CM_128_HMAC_SHA1_80 inline:\(short)", .tag("WVNfX19z…"), "RFC 4568 §9.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80", .noKey, "RFC 4568 §9.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:", .noKey, "RFC 4568 §9.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short);", .noKey, "RFC 4568 §9.1", true),
    ("1 F8_128_HMAC_SHA1_80 inline:\(short)", .suite("F8_128_HMAC_SHA1_80"), "RFC 4568 §6.2", false),
    ("1 AES_192_CM_HMAC_SHA1_80 inline:x", .suite("AES_192_CM_HMAC_SHA1_80"), "RFC 4568 §6.2", false),
    ("1 aes_cm_128_hmac_sha1_80 inline:\(short)", .suite("aes_cm_128_hmac_sha1_80"), "RFC 4568 §6.2", false),
    ("1 AES_CM_128_HMAC_SHA1_80 \(short)", .keyMethod("WVNfX19z…"), "RFC 4568 §6.1", false),
    ("1 AES_CM_128_HMAC_SHA1_80 uri:https://x/y", .keyMethod("uri"), "RFC 4568 §6.1", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short.dropLast())!", .base64(.character), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)A", .base64(.length), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)==", .base64(.padding), "RFC 4568 §6.1", true),
    ("1 AES_256_CM_HMAC_SHA1_80 inline:\(long.dropLast())", .base64(.padding), "RFC 4568 §6.1", true),
    ("1 AES_256_CM_HMAC_SHA1_80 inline:\(long)=", .base64(.padding), "RFC 4568 §6.1", true),
    ("1 AES_256_CM_HMAC_SHA1_80 inline:=\(long)", .base64(.padding), "RFC 4568 §6.1", true),
    (
      "1 AES_256_CM_HMAC_SHA1_80 inline:\(long.dropLast(4))", .keys(.length(expected: 46, found: 45), .aes256CMHMACSHA1_80), "RFC 6188 §4",
      true
    ),
    (
      "1 AES_CM_256_HMAC_SHA1_80 inline:\(short)", .keys(.length(expected: 46, found: 30), .aes256CMHMACSHA1_80), "RFC 6188 §4", true
    ),
    (
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(short)AA", .keys(.length(expected: 30, found: 31), .aesCM128HMACSHA1_80), "RFC 4568 §6.2", true
    ),
    ("1 AEAD_AES_128_GCM inline:\(short)", .keys(.length(expected: 28, found: 30), .aeadAES128GCM), "RFC 7714 §14.2", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|0", .lifetime("0"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|2^49", .lifetime("2^49"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|3^20", .lifetime("3^20"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|", .lifetime(""), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|99999999999999999999", .lifetime("99999999999999999999"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|2^31|1:0", .identifier("1:0"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|2^31|1:129", .identifier("1:129"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|2^31|256:1", .identifier("256:1"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|x:1", .identifier("x:1"), "RFC 4568 §6.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|1:1|2^31", .keyInformation, "RFC 4568 §9.2", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|2^31|2^31", .keyInformation, "RFC 4568 §9.2", true),
    (
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(short);inline:\(short)", .keys(.identifierMissing, .aesCM128HMACSHA1_80), "RFC 4568 §6.1", true
    ),
    (
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(short)|1:1;inline:\(short)|1:1", .keys(.identifierRepeated, .aesCM128HMACSHA1_80),
      "RFC 4568 §6.1", true
    ),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) KDR=1", .keyDerivationRate("1"), "RFC 4568 §6.3.1", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) KDR=25", .keyDerivationRate("25"), "RFC 4568 §6.3.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) KDR=01", .keyDerivationRate("01"), "RFC 4568 §6.3.1", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) UNENCRYPTED_SRTP", .unencryptedSRTP, "RFC 4568 §6.3.2", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) WSH=64 UNENCRYPTED_SRTCP", .unencryptedSRTCP, "RFC 4568 §6.3.2", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) UNAUTHENTICATED_SRTP", .unauthenticatedSRTP, "RFC 4568 §6.3.3", false),
    (
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(short) FEC_ORDER=SRTP_FEC", .forwardErrorCorrection("FEC_ORDER=SRTP_FEC"), "RFC 4568 §6.3.4",
      false
    ),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) FEC_KEY=inline:\(short)", .forwardErrorCorrection("FEC_KEY"), "RFC 4568 §6.3.5", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) WSH=63", .windowSizeHint("63"), "RFC 4568 §6.3.6", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) WSH=x", .windowSizeHint("x"), "RFC 4568 §6.3.6", true),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) SOMETHING=1", .parameter("SOMETHING"), "RFC 4568 §6.3.7", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) -", .parameter("-"), "RFC 4568 §6.3.7", false),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) \u{1B}[2J", .parameter("?[2J"), "RFC 4568 §6.3.7", false),
  ]

  @Test(arguments: refused)
  func `what cannot be used is refused by the rule that it breaks (RFC 4568 §6, §9)`(
    line: String, refusal: CryptoRefusal, section: String, isViolation: Bool
  ) {
    #expect(throws: refusal) { try CryptoAttribute.parse(Bytes(line)) }
    #expect(refusal.section == section)
    #expect(refusal.isViolation == isViolation)
    #expect(refusal.description.hasSuffix("(\(section))"))
  }

  @Test(arguments: ["-X=inline:\(short)", "-inline:\(short)", "-\(short)"])
  func `no description shows a key that is in an extension (RFC 4568 §6.3.7)`(parameter: String) throws {
    let attribute = try CryptoAttribute.parse(Bytes("1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.short) \(parameter)"))
    #expect(!"\(attribute)".contains(Self.short))
    #expect(attribute.serialized().text.hasSuffix(" \(parameter)"))
  }

  @Test func `no refusal shows a key`() {
    for (line, refusal, _, _) in Self.refused {
      for key in [Self.short, Self.long, Self.sealed128] { #expect(!refusal.description.contains(key.prefix(12)), "\(line)") }
    }
  }

  @Test(
    arguments: [
      ("1 X inline:abc|2^31 inline:def;INLINE:ghi", ["abc", "def", "ghi"]), ("inline:", []), ("inlineinline:k", ["k"]), ("1 X uri:abc", []),
      ("1 AES_CM_128_HMAC_SHA1_80 inline:\(short) FEC_KEY=inline:\(long)|1:1", [short, long]),
    ] as [(String, [String])])
  func `keys are found in any line, for who must not show them`(line: String, keys: [String]) {
    let value = Bytes(line)
    #expect(CryptoAttribute.keyRanges(in: value).map { value[$0].text } == keys)
  }

  @Test func `noise is refused and never crashes, and what is taken is written and read the same`() {
    var noise = Entropy(seed: 8)
    let lines = Self.refused.map { Array($0.0.utf8) }
    var taken = 0
    for _ in 0..<20_000 {
      var line = lines[Int(noise.next() % UInt64(lines.count))]
      for _ in 0...noise.next() % 3 where !line.isEmpty {
        let place = Int(noise.next() % UInt64(line.count))
        switch noise.next() % 3 {
        case 0: line.remove(at: place)
        case 1: line[place] = UInt8(truncatingIfNeeded: noise.next())
        default: line.insert(UInt8(ascii: "0") + UInt8(noise.next() % 10), at: place)
        }
      }
      _ = CryptoAttribute.keyRanges(in: Bytes(line))
      guard let attribute = try? CryptoAttribute.parse(Bytes(line)) else { continue }
      taken += 1
      #expect((try? CryptoAttribute.parse(attribute.serialized())) == attribute)
    }
    #expect(taken > 0)
  }
}
