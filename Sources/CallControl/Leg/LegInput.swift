import KallglotPolicy
import Media
import RTP
import SDP
import SIPComposition
import SIPMessage
import SIPUserAgent
import SansIO

/// What a leg is told: by its user agent, its ports, its streams, its owner and the clock.
enum LegInput: Sendable {
  /// First of all.
  case begin
  case ports(PortNews)
  case musicPorts(MusicPortNews)
  case nextPorts(NextPortNews)
  case signalling(Signalling)
  case media(MediaEvent)
  /// The streams are gone, with the last figures; nil = there was none.
  case mediaClosed(MediaReport?)
  case command(Command)
  /// The time has come that ``LegOutput/wake(at:)`` named: of the 200, or of the end without keys.
  case due

  enum PortNews: Sendable {
    /// RTP and RTCP are open.
    case opened
    /// Others were open before; this pair is tried instead.
    case moved(to: UInt16, sessionID: UInt64)
    /// None could be opened.
    case missing(reason: String)
  }

  enum MusicPortNews: Sendable {
    /// Music will come from here; the ports are being opened.
    case reserved(TransportAddress)
    case failed(BindFailure)
  }

  enum NextPortNews: Sendable {
    /// Both are open.
    case opened(TransportAddress)
    case missing(reason: String)
  }

  enum Signalling: Sendable {
    /// Our INVITE left.
    case invited(callID: String)
    case provisional(status: Int, SessionBody)
    /// The 2xx to our INVITE.
    case answered(SessionBody)
    case refused(status: Int, phrase: String, explanation: String?)
    /// The ACK of our 2xx.
    case acknowledged(SessionBody)
    /// A re-INVITE of the peer's, and the number under which it is answered.
    case reinvite(ServerID, SessionBody)
    /// The user agent refused a re-INVITE by itself.
    case reinviteRefused(SessionBody)
    case reinviteAcknowledged(SessionBody)
    /// The 2xx to our re-INVITE.
    case reinviteAnswered(SessionBody)
    /// The wait after a 491 is over.
    case reinviteDue
    case reinviteFailed(status: Int?, reason: String)
    case ended(EndReason)
  }

  enum Command: Sendable {
    /// nil = to the end.
    case speak(SpokenAudio, until: Instant?)
    case press(DigitPlan, DigitWay)
    case send(AudioCodec)
    case change(SessionChange)
    /// Gives an INVITE of ours up; a call that is up is hung up by its user agent.
    case cancel
    case hangUp(EndReason)
    /// Hangs up at once, with these header fields in the BYE.
    case bringDown(EndReason, fields: [HeaderField])
  }
}

extension [LegOutput] {
  /// These and then those; most lists are short, and one of the two is often empty.
  func then(_ others: [LegOutput]) -> [LegOutput] {
    if others.isEmpty { return self }
    if isEmpty { return others }
    var all: [LegOutput] = []
    all.reserveCapacity(count + others.count)
    all.append(contentsOf: self)
    all.append(contentsOf: others)
    return all
  }
}

/// What a leg asks for and reports, in the order in which it has to happen.
enum LegOutput: Hashable, Sendable {
  case signal(Signal)
  case media(Media)
  case ports(PortRequest)
  case event(CallAgentEvent)
  /// ``LegInput/due`` at this time, in place of one that was asked for before.
  case wake(at: Instant)
  /// The leg is gone.
  case over

  /// To the user agent.
  enum Signal: Hashable, Sendable {
    /// An empty body = a delayed offer. In a box: it is as large as all the others together, and rare.
    indirect case invite(CallRequest, body: Bytes)
    case ring
    case progress(Bytes)
    case accept(Bytes, fields: [HeaderField])
    case refuse(status: Int, fields: [HeaderField])
    case acknowledge(Bytes)
    case reinvite(Bytes)
    case answerReinvite(ServerID, Bytes)
    case refuseReinvite(ServerID, status: Int, fields: [HeaderField])
    case cancel
    /// nil = the fields of the style.
    case hangUp(EndReason, fields: [HeaderField]?)
  }

  /// To the streams.
  enum Media: Hashable, Sendable {
    /// Our answer has left, and the peer may begin its handshake of DTLS: it is answered from now on, before the ACK (RFC 5763 §5).
    case prepare(AudioAgreement)
    /// Media begins by this agreement, or goes on by it. The tag is that of the callee whose answer it is; nil where we were called.
    case begin(AudioAgreement, tag: String?)
    case call(MediaCommand)
    /// Music begins by this agreement as soon as its ports are open.
    case play(AudioAgreement)
    case music(MediaCommand)
  }

  enum PortRequest: Hashable, Sendable {
    case open
    case openMusic
    /// Music ends, and its ports are closed.
    case closeMusic
    /// Another pair, to which media is to move.
    case openNext
    /// Media moves there. What is on its way to the old ports is still taken.
    case moveToNext
    case closeNext
    /// All streams end, and all ports are closed; ``LegInput/mediaClosed(_:)`` follows.
    case close
  }
}
