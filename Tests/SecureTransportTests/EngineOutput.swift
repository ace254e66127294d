import SansIO

@testable import SecureTransport

/// What an engine of TLS or of DTLS says, for tests that ask the same of both.
protocol EngineOutput {
  associatedtype Session
  var session: Session? { get }
  var failure: TLSFailure? { get }
  var secret: KeyLogLine? { get }
  var word: String { get }
}

extension Array where Element: EngineOutput {
  var session: Element.Session? { lazy.compactMap(\.session).first }
  var failure: TLSFailure? { lazy.compactMap(\.failure).first }
  var secrets: [String] { compactMap { $0.secret?.line } }
  /// The kinds of key log lines, in order.
  var secretKinds: [String] { secrets.map { String($0.prefix { $0 != " " }) } }

  /// The outputs as words, neighbours of one kind once: `["secret", "ciphertext", "established"]`.
  var kinds: [String] {
    map(\.word).reduce(into: []) { kinds, word in if kinds.last != word { kinds.append(word) } }
  }
}
