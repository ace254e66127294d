import KallglotPolicy
import SIPComposition
import SIPMessage

/// A session made by the API, as the endpoint is given it.
public struct Session: Sendable, Hashable {
  public var id: String
  public var account: String
  public var state: SessionState
  /// The BYE of its last leg does not end it: it can be joined again. Only the API ends it.
  public var isReusable: Bool
  /// `routing.sip.headers`: the `X-` fields among them are echoed in our 200 (contract 8.7).
  public var headers: [HeaderField] = []

  public init(id: String, account: String, state: SessionState = .created, isReusable: Bool = false) {
    self.isReusable = isReusable
    self.id = id
    self.account = account
    self.state = state
  }

  /// Legs that are up or being set up.
  public static let maximumLegs = 2
}

extension SessionRole {
  /// What `X-Kallglot-Role` says; nil where it is missing or another word.
  init?(_ message: SIPMessage) {
    guard let text = message.first(HeaderName("X-Kallglot-Role"))?.text.lowercased() else { return nil }
    self.init(rawValue: text)
  }
}
