import SansIO
import VirtualNetwork

/// Labels for what a product of somebody else's sends, by its bytes: causes know by them that it sent RTP.
public struct ProductLabels: Sendable {
  private var labels = WireLabels()

  public init() {}

  /// What a packet of the product is; nothing where TLS hides it, and in the middle of a message.
  public mutating func label(_ payload: Bytes) -> Label { labels.label(payload) }
}
