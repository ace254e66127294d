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

  @Test func `lines may end with LF, CRLF or CR (RFC 7468 §3)`() throws {
    for end in ["\r\n", "\r"] {
      let (one, two) = (PEM(certificate.text.replacing("\n", with: end)), PEM(key.text.replacing("\n", with: end)))
      #expect(mistake(one, two) == nil)
      #expect(try one.certificates("certificate").count == certificate.certificates("certificate").count)
    }
  }

  @Test func `an empty line within a block is named, one behind the headers of an old key is not`() {
    let gap = replacing(certificate, line: 3, with: "")
    #expect(mistake(gap, key) == "line 3: an empty line within the CERTIFICATE of line 1 (RFC 7468 §3)")
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
    #expect(mistake(certificate, PEM(old)) == "line 1: the private key has a pass phrase; give it without one")
  }

  @Test func `a key that is too short for TLS is named by the line of its certificate`() throws {
    try certificate.checkStrength()
    try certificate.followed(by: certificate).checkStrength()
    let mistake = #expect(throws: PEMMistake.self) { try PEM("\n" + Self.short).checkStrength() }
    #expect(mistake == PEMMistake(line: 2, reason: "the certificate that begins here cannot be used: ee key too small"))
  }

  /// RSA of 512 bits, signed by itself.
  private static let short = """
    -----BEGIN CERTIFICATE-----
    MIIBbzCCARmgAwIBAgIUJLimN0PhouLPB2IR9F4Ew18XhJswDQYJKoZIhvcNAQEL
    BQAwDDEKMAgGA1UEAwwBeDAeFw0yNjExMzAxMDM3MzNaFw0yNjEyMzAxMDM3MzNa
    MAwxCjAIBgNVBAMMAXgwXDANBgkqhkiG9w0BAQEFAANLADBIAkEA2lOdEA0mNeOS
    Cul0+27svmr+Pep8oLFQ4eVzSWY/iOew6IMxF438uPOj8gEEfaHUJKnp+zmCNBBV
    2R8hfCCK7QIDAQABo1MwUTAdBgNVHQ4EFgQU303or6GwR41KfhoJJveYQ1N7AU0w
    HwYDVR0jBBgwFoAU303or6GwR41KfhoJJveYQ1N7AU0wDwYDVR0TAQH/BAUwAwEB
    /zANBgkqhkiG9w0BAQsFAANBAFBG23bZKX5aKEFtd3u6WIO5e74j5wqhZlm0VRgp
    rhDnvmf0CzQlrQz7nmxyzOGPWXKGJljwdEVb8jk6lT280Yk=
    -----END CERTIFICATE-----
    """

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
