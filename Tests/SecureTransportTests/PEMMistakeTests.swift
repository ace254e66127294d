import SansIO
import Testing

@testable import SecureTransport

/// What is wrong with a text in PEM armour, by its line.
@Suite struct PEMMistakeTests {
  private let certificate = Lab.leaf.certificate
  private let key = Lab.leaf.privateKey

  private func mistake(_ certificate: PEM, _ key: PEM) -> String? {
    do throws(PEMMistake) {
      try certificate.checkPair(with: key)
      return nil
    } catch { return "\(error)" }
  }

  private func replacing(_ pem: PEM, line: Int, with text: String?) -> PEM {
    var lines = pem.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    lines[line - 1] = text ?? lines[line - 1]
    if text == nil { lines.remove(at: line - 1) }
    return PEM(lines.joined(separator: "\n"))
  }

  @Test func `a certificate with its chain and its key are taken, in one text or two, with comments between the blocks`() throws {
    #expect(mistake(certificate, key) == nil)
    let both = certificate.followed(by: PEM("subject=CN = x\n")).followed(by: key)
    #expect(mistake(both, both) == nil)
    #expect(mistake(PEM(certificate.text.replacing("\n", with: "\r\n")), key) == nil)
  }

  @Test func `what is not there is named with what was expected`() {
    #expect(mistake(PEM(""), key) == "line 1: the text has no BEGIN CERTIFICATE line; expected a certificate in PEM armour")
    #expect(mistake(key, key) == "line 1: the text has no BEGIN CERTIFICATE line; expected a certificate in PEM armour")
    #expect(mistake(certificate, certificate) == "line 1: the text has no BEGIN PRIVATE KEY line; expected a private key in PEM armour")
  }

  @Test func `a block that does not parse is named by its line and never by its text`() throws {
    let lines = certificate.text.split(separator: "\n").count
    #expect(mistake(replacing(certificate, line: 3, with: "?"), key) == "line 3: a character here is not base64 (RFC 7468 §3)")
    #expect(mistake(replacing(certificate, line: lines, with: nil), key) == "line 1: the CERTIFICATE that begins here has no END line")
    #expect(
      mistake(replacing(certificate, line: lines, with: "-----END X-----"), key) == "line \(lines): END X ends the CERTIFICATE of line 1")
    #expect(mistake(PEM("-----END CERTIFICATE-----\n"), key) == "line 1: END CERTIFICATE without a BEGIN before it")
    let cut = try #require(mistake(replacing(certificate, line: 3, with: nil), key))
    #expect(cut.hasPrefix("line 1: the block that begins here is not a certificate: "))
    let second = certificate.followed(by: replacing(certificate, line: 2, with: nil))
    #expect(try #require(mistake(second, key)).hasPrefix("line \(lines + 1): the block that begins here is not a certificate: "))
    let half = try #require(mistake(certificate, replacing(key, line: 2, with: "AAAA")))
    #expect(half.hasPrefix("line 1: the block that begins here is not a private key: "))
    #expect(mistake(PEM(certificate.text + certificate.text.dropLast(30)), key) != nil)
  }

  @Test func `a key with a pass phrase and a key of another certificate are told apart`() throws {
    let encrypted = PEM("\n-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    #expect(mistake(certificate, encrypted) == "line 2: the private key has a pass phrase; give it without one")
    let other = try Lab.authority.issue(CertificateRequest(commonName: "x"), entropy: Entropy(seed: 41)).privateKey
    #expect(mistake(certificate, other) == "line 1: the private key does not belong to the first certificate of the chain")
  }

  @Test func `no text crashes it`() {
    var entropy = Entropy(seed: 5)
    let parts = ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "-----BEGIN ", "-----", "AAAA", ":", "", "\u{0}", "ü"]
    for _ in 0..<2_000 {
      let text = (0..<entropy.bytes(1)[0] % 9).map { _ in parts[Int(entropy.bytes(1)[0]) % parts.count] }.joined(separator: "\n")
      #expect(mistake(PEM(text), PEM(text)) != nil)
    }
  }
}
