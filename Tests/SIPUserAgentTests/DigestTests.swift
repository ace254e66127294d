import SIPMessage
import SansIO
import Testing

@testable import SIPUserAgent

@Suite struct DigestTests {
  // RFC 7616 §3.9.1: Mufasa, Circle of Life.
  private let calculation = DigestCalculation()
  private let parameters = DigestCalculation.Parameters(
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", method: "GET", uri: "/dir/index.html",
    protection: .init(nonceCount: "00000001", clientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"))

  @Test(arguments: [
    (DigestAlgorithm.md5, "8ca523f5e9506fed4657c9700eebdbec"),
    (.sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
  ])
  func `the responses of RFC 7616 §3.9.1 come out`(algorithm: DigestAlgorithm, expected: String) {
    let secret = calculation.secretHash(
      algorithm, username: "Mufasa", realm: "http-auth@example.org", password: Secret("Circle of Life"))
    #expect(calculation.response(algorithm, secret, parameters).text == expected)
    #expect(calculation.response(algorithm, secret, parameters).text == expected, "the context serves again")
  }

  @Test func `the response of RFC 2617 §3.5 comes out`() {
    let secret = calculation.secretHash(
      .md5, username: "Mufasa", realm: "testrealm@host.com", password: Secret("Circle Of Life"))
    let response = calculation.response(
      .md5, secret,
      .init(
        nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", method: "GET", uri: "/dir/index.html",
        protection: .init(nonceCount: "00000001", clientNonce: "0a4f113b")))
    #expect(response.text == "6629fae49393a05397450978507c4ef1")
  }

  @Test(arguments: [1, 7, 100, 511, 512, 513, 1300])
  func `parts of any length are hashed as the text they make (FIPS 180-4, RFC 1321)`(length: Int) {
    let context = HashContext()
    for (algorithm, expected) in [
      (DigestAlgorithm.md5, "316f2cf81e2cc71ac9e636db72e2a105"),
      (.sha256, "d991ccb5f77c31ce034f182be1d6686e17f73b5b8a303c2315f07b45f889625c"),
    ] {
      let hash = context.hash(algorithm) { feed in
        var rest = 1300
        while rest > 0 {
          feed(String(repeating: "a", count: min(rest, length)))
          rest -= min(rest, length)
        }
      }
      #expect(hash.text == expected)
    }
  }

  @Test func `a password shows in no description`() {
    let secret = Secret("hunter2")
    let credentials = Credentials(username: "acme", password: secret)
    #expect(!"\(credentials)".contains("hunter2"))
    #expect(!String(reflecting: credentials).contains("hunter2"))
    var dumped = ""
    dump(credentials, to: &dumped)
    #expect(!dumped.contains("hunter2"))
  }
}
