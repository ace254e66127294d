import CallControl
import KallglotPolicy
import SIPMessage
import SIPUserAgent
import SansIO

/// What the stage tells the engine.
public enum StageEvent: Sendable {
  case began
  /// A member's news, with the frame that it rests on.
  case party(String, CallAgentEvent, FrameCitation?)
  case decision(String, LegID?, PolicyDecision, FrameCitation?)
  /// A wire member received a message.
  case message(String, SIPMessage, FrameCitation?)
  /// A wire member's connection ended, or bytes came that are no message.
  case wire(String, String, FrameCitation?)
  /// News of a NAT.
  case nat(String, NATNews, FrameCitation?)
  /// The engine's deadline has come.
  case deadline
}
