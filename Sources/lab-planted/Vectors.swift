/// A defect that both ends share, as one stack has them: no packet between the two shows it, only a value that somebody else computed.
struct Vector {
  var what: String
  /// The suite and the title of the test that fails with it.
  var test: String
}

enum Vectors {
  static let all = [
    Vector(
      what: "A2 of digest is hashed with INVITE for every method (SIPp #421)",
      test: "DigestTests, the responses of RFC 7616 §3.9.1 come out"),
    Vector(
      what: "mu-law is written and read without the inversion of its bits (SIPp #203)",
      test: "G711Tests, μ-law octets stand for the values of G.711 Table 2"),
    Vector(
      what: "A-law is written and read as mu-law (SIPp #203, #639)",
      test: "G711Tests, A-law octets stand for the values of G.711 Table 1"),
    Vector(what: "a bad digest burns its nonce count (gsm-sip-bridge #21)", test: "DigestServerTests, a wrong password burns no count"),
    Vector(
      what: "a nonce count is taken twice (http-auth #94)",
      test: "DigestServerTests, right credentials pass, once for each count, in any order within the window (contract 8.2)"),
  ]
}
