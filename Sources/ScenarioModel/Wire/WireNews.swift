/// What became of a wire member's connections, and what it could not read.
public enum WireNews: Hashable, Sendable {
  case unreadable(String)
  /// It is closed, reset or refused, in words.
  case ended(String)
  /// A ClientHello came; nil = it names no server.
  case hello(serverName: String?)
  case closeNotify
  /// A DTLS association gave keys for SRTP, of this protection profile.
  case keyed(String)
  /// A DTLS association came to nothing.
  case failed(String)

  /// What is seen, for findings.
  public var text: String {
    switch self {
    case .unreadable(let rule): "unreadable: \(rule)"
    case .ended(let how): how
    case .hello(let name): name.map { "hello for \($0)" } ?? "hello without a server name"
    case .closeNotify: "close_notify came"
    case .keyed(let profile): "keyed by DTLS for \(profile)"
    case .failed(let reason): "failed: \(reason)"
    }
  }
}
