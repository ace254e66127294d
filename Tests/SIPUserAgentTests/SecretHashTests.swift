import SIPMessage
import SansIO
import Testing

@testable import SIPUserAgent

/// H(A1), kept for each account, realm and algorithm.
@Suite struct SecretHashTests {
  private let calculation = DigestCalculation()
  private let old = Secret("s3cret")
  private let new = Secret("fresh")

  private func fresh(_ algorithm: DigestAlgorithm, _ username: String, _ realm: String, _ password: Secret) -> String {
    calculation.secretHash(algorithm, username: username, realm: realm, password: password).reveal().text
  }

  @Test func `the hash is that of the account, realm, algorithm and password asked for, whatever is kept (RFC 7616 §3.4.2)`() {
    var hashes = SecretHashes(capacity: 100)
    for _ in 0..<2 {
      for password in [old, new, old] {
        for (algorithm, username, realm) in [
          (DigestAlgorithm.md5, "acme", "r"), (.sha256, "acme", "r"), (.md5, "acme", "s"), (.md5, "other", "r"), (.md5, "", ""),
        ] {
          let hash = hashes.hash(algorithm, username: username, realm: realm, password: password)
          #expect(hash.reveal().text == fresh(algorithm, username, realm, password))
        }
      }
    }
    #expect(hashes.count == 5, "a new password takes the place of the old one")
  }

  @Test func `what peers choose cannot make the table grow`() {
    var hashes = SecretHashes(capacity: 8)
    for number in 0..<100 {
      let hash = hashes.hash(.md5, username: "user \(number)", realm: "r", password: old)
      #expect(hash.reveal().text == fresh(.md5, "user \(number)", "r", old))
      #expect(hashes.count <= 8)
    }
    var long = SecretHashes(capacity: 8)
    let name = String(repeating: "x", count: 257)
    #expect(long.hash(.md5, username: name, realm: "r", password: old).reveal().text == fresh(.md5, name, "r", old))
    #expect(long.hash(.md5, username: "a", realm: name, password: old).reveal().text == fresh(.md5, "a", name, old))
    #expect(long.count == 0)
  }

  @Test func `neither password nor hash shows in a description or dump`() {
    var hashes = SecretHashes(capacity: 8)
    let hash = hashes.hash(.sha256, username: "acme", realm: "r", password: old)
    var shown = "\(hash) \(String(reflecting: hash)) \(hashes)"
    dump(hash, to: &shown)
    dump(hashes, to: &shown)
    #expect(!shown.contains("s3cret") && !shown.contains(hash.reveal().text))
    #expect(!shown.contains("\(hash.reveal().text.utf8.prefix(4).map { Int($0) })".dropFirst().dropLast()))
  }

  @Test func `a response is compared in either case, digit for digit (RFC 7616 §3.4)`() {
    let response = calculation.secretHash(.md5, username: "a", realm: "r", password: old).reveal()
    #expect(response.equalsInConstantTime(Bytes(response.text)) && response.equalsInConstantTime(Bytes(response.text.uppercased())))
    for index in 0..<32 {
      var digits = Array(response.text.utf8)
      digits[index] ^= 1
      #expect(!response.equalsInConstantTime(Bytes(digits)))
    }
    for other in ["", String(response.text.dropLast()), response.text + "0", String(repeating: "0", count: 64)] {
      #expect(!response.equalsInConstantTime(Bytes(other)))
    }
  }
}
