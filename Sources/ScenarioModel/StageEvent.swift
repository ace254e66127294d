import KallglotPolicy
import SansIO

/// What the stage tells the engine.
public enum StageEvent: Sendable {
  case began
  /// A member sent or received a message, as its packets show.
  case seen(String, SeenMessage)
  /// What a member says of itself, with the frame that it rests on.
  case word(String, MemberWord, FrameCitation?)
  /// A step of the endpoint's policy judged a request of this Call-ID.
  case decision(String, callID: String?, PolicyDecision, FrameCitation?)
  /// What became of a wire member's connection, or bytes came that are no message.
  case wire(String, WireNews, FrameCitation?)
  /// A datagram came to a wire member's media port, or to the one above it.
  case packet(String, WireMedia.Packet)
  /// What a member's packets show of a TLS connection.
  case tls(String, SeenTLS)
  /// Something was sent, or came, in clear: told only where a scenario looks for it.
  case plaintext(SeenPlaintext)
  /// News of a NAT.
  case nat(String, NATNews, FrameCitation?)
  /// The engine's deadline has come.
  case deadline
}
