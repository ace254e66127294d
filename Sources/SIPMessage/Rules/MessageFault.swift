/// A rule that a message breaks although its lines could be told apart.
public struct MessageFault: Hashable, Sendable {
  public enum Weight: Hashable, Sendable {
    /// The message cannot be processed: a request gets 400, a response is dropped.
    case fatal
    /// It can be processed all the same, and its sender should be told.
    case tolerated
  }

  public var weight: Weight
  public var error: SIPHeaderError

  public init(_ weight: Weight, _ error: SIPHeaderError) {
    self.weight = weight
    self.error = error
  }

  public var isFatal: Bool { weight == .fatal }
}

extension MessageFault: CustomStringConvertible {
  public var description: String { "\(error)" }
}
