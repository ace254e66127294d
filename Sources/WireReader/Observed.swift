import SIPMessage
import SansIO

/// What a packet showed.
public enum Observed {
  /// A message that can be read as far as a reader needs it; copies of one have their number.
  case message(ObservedMessage, Conversation, repetition: Int)
  /// A message that lacks what tells whose it is.
  case incomplete(SIPMessage, mistakes: [String], Carried<Void>, isDeliberatelyBroken: Bool)
  /// Bytes that begin like SIP and cannot be read.
  case unreadable(SIPParseError, firstLine: String, Carried<Void>, isDeliberatelyBroken: Bool)
  /// A message without Content-Length on a stream (RFC 3261 §18.3); it comes as ``message(_:_:repetition:)`` as well.
  case unframed(SIPMessage, Carried<Void>)
  /// A connection whose sender ended it within a message: its first line, and how many bytes of its body did not come; nil = its header is
  /// not whole.
  case cut(firstLine: String, missing: Int?, Carried<Void>)
  /// Text on port 5060 that is not SIP.
  case notSIP(text: String, FrameStamp, isDeliberatelyBroken: Bool)
  /// Bytes that the capture does not have, in a stream that carries SIP or TLS.
  case gap(Carried<Int>)
  /// An alert by its name, other than close_notify.
  case tlsAlert(Carried<String>)
  /// A TLS handshake is complete, with what it agreed on; its source sent the last packet of it.
  case tlsEstablished(Carried<TLSFacts>)
}
