import SansIO

/// Takes what a reader found in clear, packet by packet, for who writes a capture again.
public final class ClearText {
  /// A part of what one direction of a TCP connection carried, in order.
  public struct Piece {
    public enum Content {
      /// As it was in segments.
      case bytes(Bytes)
      /// What TLS records held.
      case plaintext(Bytes)
      /// So many bytes are not in the capture.
      case gap(Int)
    }

    public var source: TransportAddress
    public var destination: TransportAddress
    public var content: Content
    public var kind: StreamReader.Kind
    /// It is TLS, and there are secrets of its session.
    public var hasSecrets: Bool
  }

  /// What became of the last datagram.
  public fileprivate(set) var passage = DatagramPassage.clear
  /// What came in order by the last segment; bytes of the other direction may be among it, for which it acknowledges a hole.
  public fileprivate(set) var pieces: [Piece] = []
  /// The number of the TCP connection that the last segment belongs to, in the order in which they began.
  public fileprivate(set) var connection: Int?
  /// UDP header and payload of the datagram whose last fragment came.
  public fileprivate(set) var joined: Bytes?

  public init() {}

  func begin() {
    passage = .clear
    pieces.removeAll(keepingCapacity: true)
    (joined, connection) = (nil, nil)
  }

  func take(_ passage: DatagramPassage) { self.passage = passage }
  func take(_ piece: Piece) { pieces.append(piece) }
  func take(connection: Int) { self.connection = connection }
  func join(_ whole: Bytes) { joined = whole }
}
