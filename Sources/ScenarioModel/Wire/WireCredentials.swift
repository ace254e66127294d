import COpenSSL
import SIPMessage
import SansIO

/// Credentials in a request of a wire member, which has no stack: computed here, apart from the stacks on stage, so that a mistake which
/// both ends of those share is seen (RFC 7616 §3.4.1, RFC 3261 §22.4).
struct WireCredentials: Sendable {
  /// An algorithm by the name that it has in a challenge.
  enum Algorithm: String, CaseIterable, Sendable {
    case md5 = "MD5"
    case sha256 = "SHA-256"

    /// As lower-case hexadecimal digits.
    func hash(_ text: String) -> String {
      var digest = [UInt8](repeating: 0, count: 64)
      var count = 0
      let bytes = Array(text.utf8)
      let isDone = EVP_Q_digest(nil, self == .md5 ? "MD5" : "SHA256", nil, bytes, bytes.count, &digest, &count)
      precondition(isDone == 1, "libcrypto has MD5 and SHA-256")
      return digest.prefix(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }

  private static let challenge = Key.required("challenge", .text, "The 401 or 407 that is answered: a message named by `as`.")
  private static let account = Key.required("account", .account, "Whose credentials; its password stands in the file.")
  private static let algorithm = Key.optional("algorithm", ValueType<Algorithm>.word, "Which of the challenges; the first when missing.")
  private static let count = Key.standard("count", .integer(1...0x7FFF_FFFF), "1", "The nonce count, `nc`.")
  private static let password = Key.optional("password", .text, "Instead of the account's: makes a wrong response.")
  static let shape = MappingShape([challenge, account, algorithm, count, password])

  private let challenge: String
  private let algorithm: Algorithm?
  private let username: String
  private let password: String
  private let count: Int

  init(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) {
    let fields = try place.fields(Self.shape, scope)
    (challenge, algorithm, count) = (try fields[Self.challenge], try fields[Self.algorithm], try fields[Self.count])
    let name = try fields[Self.account]
    let account = scope.scenario.accounts.first { $0.name == name }
    username = account?.username ?? name
    guard let password = try fields[Self.password] ?? account?.password else {
      throw (fields.place(of: Self.account) ?? place).problem("the password of \(name) is generated: write one in 'given'")
    }
    self.password = password
    try (fields.place(of: Self.challenge) ?? place).checkMessage(scope)
  }

  /// The request with its credentials behind its other header fields. Method and Request-URI are those of its first line.
  func added(to request: Bytes, _ script: Script) throws(MessageTemplate.Missing) -> Bytes {
    let text = request.text
    guard let end = text.firstRange(of: "\r\n\r\n")?.lowerBound else { throw .init(text: "the request has no end of its header fields") }
    let words = text.prefix { $0 != "\r\n" && $0 != "\n" }.split(separator: " ")
    guard words.count == 3 else { throw .init(text: "the request has no method and Request-URI") }
    guard let message = script.captured[challenge] else { throw .init(text: "no message has been named \(challenge)") }
    let isProxy = message.status == 407
    let offered = message.digestChallenges(isProxy ? .proxyAuthenticate : .wwwAuthenticate)
    let found = offered.lazy.compactMap { challenge in
      Algorithm.allCases.first { $0.rawValue == challenge.algorithm ?? "MD5" }.map { (challenge, $0) }
    }.first { algorithm == nil || $0.1 == algorithm }
    guard let (chosen, algorithm) = found else { throw .init(text: "'\(message.startLineText)' has no such challenge") }
    let line = credentials(chosen, algorithm, method: String(words[0]), uri: String(words[1]))
    return Bytes("\(text[..<end])\r\n\(isProxy ? "Proxy-Authorization" : "Authorization"): \(line)\(text[end...])")
  }

  private func credentials(_ challenge: DigestChallenge, _ algorithm: Algorithm, method: String, uri: String) -> String {
    let digits = String(count, radix: 16)
    let nc = String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    let (realm, nonce, hasQOP) = (challenge.realm ?? "", challenge.nonce ?? "", challenge.qop.contains("auth"))
    let protection = hasQOP ? (count: nc, client: "6c616220636e6f6e") : nil
    let response = Self.response(
      algorithm, secret: "\(username):\(realm):\(password)", nonce: nonce, protection: protection, request: "\(method):\(uri)")
    let opaque = challenge.parameters[.opaque].map { ", opaque=\"\($0.text)\"" } ?? ""
    return "Digest username=\"\(username)\", realm=\"\(realm)\", nonce=\"\(nonce)\", uri=\"\(uri)\", response=\"\(response)\", "
      + "algorithm=\(algorithm.rawValue)\(opaque)" + (protection.map { ", qop=auth, nc=\($0.count), cnonce=\"\($0.client)\"" } ?? "")
  }

  /// The `response` of RFC 7616 §3.4.1; without `protection` that of RFC 2069.
  ///
  /// - Parameters:
  ///   - secret: A1, `username:realm:password`.
  ///   - request: A2, `method:uri`.
  static func response(
    _ algorithm: Algorithm, secret: String, nonce: String, protection: (count: String, client: String)?, request: String
  ) -> String {
    let middle = protection.map { "\(nonce):\($0.count):\($0.client):auth" } ?? nonce
    return algorithm.hash("\(algorithm.hash(secret)):\(middle):\(algorithm.hash(request))")
  }
}

extension NodeReader {
  /// The name of a message that an earlier expectation has named.
  @discardableResult
  func checkMessage(_ scope: StepScope) throws(SourceProblem) -> String {
    let name = try text()
    guard scope.messages.contains(name) else {
      let hint = Spelling.hint(for: name, among: scope.messages)
      let known = scope.messages.isEmpty ? "" : " Known: \(scope.messages.joined(separator: ", "))"
      throw problem("no earlier expectation names a message '\(name)'\(hint.isEmpty ? "." : hint)\(known)")
    }
    scope.notes.use(.message, name)
    return name
  }
}

extension ValueType where Value == WireCredentials {
  static var credentials: ValueType {
    ValueType(.mapping(WireCredentials.shape)) { (place, scope) throws(SourceProblem) in try WireCredentials(place, scope) }
  }
}
