import SIPMessage
import SIPTransport
import SansIO

/// The tag by which the peer names its side of a dialog. A peer of RFC 2543 may have none, which counts as an empty one (RFC 3261 §12.1.1,
/// §12.1.2).
public struct RemoteTag: Hashable, Sendable {
  private let bytes: Bytes

  /// - Parameter tag: nil for a peer that has none.
  public init(_ tag: Bytes?) { bytes = tag ?? Bytes() }

  /// That of the callee, in a response to our request.
  public init(ofCalleeIn response: InboundMessage) { self.init(response.essentials.toTag.map { response.message[$0] }) }

  /// That of the sender of a request.
  init(ofCallerIn request: InboundMessage) { self.init(request.essentials.fromTag.map { request.message[$0] }) }

  public var text: String { bytes.text }

  /// The same in bytes of its own, so that a dialog does not keep a whole message.
  func compacted() -> RemoteTag { RemoteTag(bytes.compacted()) }
}
