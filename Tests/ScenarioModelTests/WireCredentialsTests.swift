import SIPMessage
import SansIO
import Testing

@testable import ScenarioModel

@Suite struct WireCredentialsTests {
  private static let secret = "Mufasa:http-auth@example.org:Circle of Life"

  @Test(arguments: [
    (WireCredentials.Algorithm.md5, "8ca523f5e9506fed4657c9700eebdbec"),
    (.sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
  ])
  func `the responses of RFC 7616 §3.9.1 come out`(algorithm: WireCredentials.Algorithm, expected: String) {
    let response = WireCredentials.response(
      algorithm, secret: Self.secret, nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      protection: ("00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"), request: "GET:/dir/index.html")
    #expect(response == expected)
  }

  @Test func `without qop the response has no count (RFC 2617 §3.2.2.1)`() {
    let algorithm = WireCredentials.Algorithm.md5
    let response = WireCredentials.response(algorithm, secret: "a:r:p", nonce: "n", protection: nil, request: "REGISTER:sip:r")
    #expect(response == algorithm.hash("\(algorithm.hash("a:r:p")):n:\(algorithm.hash("REGISTER:sip:r"))"))
  }

  @Test func `an account whose password is generated has no credentials that a file could send`() {
    let text = """
      summary: s
      given: { accounts: { acme: {} }, sessions: { demo: { account: acme } } }
      cast:
        kallglot: { endpoint: default, address: 198.51.100.10 }
        wire: { wire: raw, address: 192.0.2.30 }
      steps:
        - send: { from: wire, to: kallglot, hex: "00" }
        - expect: { message: wire, as: challenge }
        - request: { from: wire, to: kallglot, method: BYE, credentials: { challenge: challenge, account: acme } }
        - request: { from: wire, to: kallglot, method: BYE, credentials: { challenge: chalenge, account: acme, password: x } }
      """
    #expect(
      ScenarioFile.read(text, file: "x.yaml").problems.map(\.description) == [
        "x.yaml:9:101: steps[3].request.credentials.account: the password of acme is generated: write one in 'given'",
        "x.yaml:10:81: steps[4].request.credentials.challenge: no earlier expectation names a message 'chalenge', "
          + "did you mean 'challenge'? Known: challenge",
      ])
  }
}
