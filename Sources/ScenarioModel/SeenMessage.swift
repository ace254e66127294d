import KallglotPolicy
import Mark
import Media
import RTP
import SIPMessage
import SRTP
import SansIO
import WireReader

/// A SIP message that a member sent or received, read from its packets.
public struct SeenMessage: Sendable {
  public let message: SIPMessage
  /// Nil where Call-ID or CSeq cannot be read: nobody knows what it belongs to.
  public let observed: ObservedMessage?
  public let isSent: Bool
  /// The same came or left before.
  public let isCopy: Bool
  public let frame: FrameCitation?

  public init(_ message: SIPMessage, _ observed: ObservedMessage?, isSent: Bool, isCopy: Bool, frame: FrameCitation?) {
    (self.message, self.observed, self.isSent, self.isCopy, self.frame) = (message, observed, isSent, isCopy, frame)
  }
}

/// What a member says of itself: only what its packets cannot show. It never counts against another's bytes.
public enum MemberWord: Sendable {
  /// It places a call; a name is that of the step which asked for it.
  case called(callID: String, name: String?, target: TransportAddress)
  /// What its ear makes of the audio.
  case toneHeard(callID: String, frequency: Int)
  case toneEnded(callID: String)
  case markFound(callID: String, MarkFinding)
  /// A digit came, and is over.
  case digit(callID: String, HeardDigit)
  /// The digits that it was asked for are sent, or none was.
  case pressed(callID: String)
  case notPressed(callID: String, reason: String)
  /// Why it ended a call, with the RTP packets that came, and what it could not verify. What its messages say of the end counts more.
  case ended(callID: String, EndReason, packetsReceived: Int?, drops: SRTPDropCounts? = nil, quality: MediaQuality? = nil)
  /// Media that came was not taken, and why.
  case mediaDropped(callID: String, reason: String)
  /// Its re-INVITE never left, or was never answered.
  case reinviteLost(callID: String, reason: String)
  /// REGISTER or OPTIONS was given up.
  case registrationFailed(reason: String)
  case optionsFailed(reason: String)
  /// A connection could not be opened or did not last.
  case connectionFailed(remote: TransportAddress, reason: String)
  /// No server of a domain took its request, or none was found.
  case serversFailed(callID: String?, reason: String)
  /// Its own want.
  case portsMissing(callID: String?, reason: String)

  /// The call that it is about.
  var callID: String? {
    switch self {
    case .called(let callID, _, _), .toneHeard(let callID, _), .toneEnded(let callID), .markFound(let callID, _),
      .ended(let callID, _, _, _, _), .reinviteLost(let callID, _), .digit(let callID, _), .pressed(let callID),
      .notPressed(let callID, _), .mediaDropped(let callID, _):
      callID
    case .portsMissing(let callID, _), .serversFailed(let callID, _): callID
    case .registrationFailed, .optionsFailed, .connectionFailed: nil
    }
  }
}
