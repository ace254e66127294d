import SansIO

/// How a leg ended, in the words a report uses.
public enum EndReason: Hashable, Sendable {
  case hungUpHere
  case hungUpByPeer
  /// This side gave up before the call was answered.
  case cancelledHere
  case cancelledByPeer
  /// The call was refused with this final status, by whoever answered it.
  case refused(status: Int)
  /// Timer B: an INVITE that nobody answered (RFC 3261 §17.1.1.2).
  case timerB
  /// A 2xx whose ACK never came; BYE was sent after 64·T1 (RFC 3261 §13.3.1.4).
  case ackMissing
  /// A provisional came, but no final response within the caller's patience.
  case noFinalResponse
  case transportFailed
  /// A request within the dialog got 408, 481 or no answer: the peer does not know it any more (RFC 3261 §12.2.1.2).
  case dialogLost
  /// BYE after RTP silence (the endpoint's `rtpTimeout`).
  case mediaSilence
  /// The handshake that should have given the media its keys came to nothing (RFC 5763 §5).
  case unsecured(String)
  /// The INVITE's Expires ran out before anybody answered (RFC 3261 §13.3.1).
  case expired
  /// The call was as long as it may be (the endpoint's `maxCallDuration`).
  case durationReached
  /// The peer broke a rule so that the call could not go on.
  case violation(PeerViolation)
  /// The peer asked for something lawful that this side does not do, and nothing but BYE was left.
  case unsupported(String)
}

extension EndReason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .hungUpHere: "hung up here"
    case .hungUpByPeer: "hung up by the peer"
    case .cancelledHere: "cancelled here"
    case .cancelledByPeer: "cancelled by the caller"
    case .refused(let status): "refused with \(status)"
    case .timerB: "Timer B: no response to the INVITE within 64·T1"
    case .ackMissing: "no ACK for the 2xx within 64·T1, BYE sent"
    case .noFinalResponse: "no final response"
    case .transportFailed: "transport failed"
    case .dialogLost: "the dialog no longer exists at the peer"
    case .mediaSilence: "no RTP"
    case .unsecured(let reason): "no keys for the media: \(reason)"
    case .expired: "the INVITE expired before it was answered"
    case .durationReached: "the maximum duration of a call was reached"
    case .unsupported(let reason): "not supported: \(reason)"
    case .violation(let violation): "peer broke a rule: \(violation)"
    }
  }
}
