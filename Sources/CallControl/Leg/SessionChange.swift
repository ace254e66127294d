import SDP
import SansIO

/// What a user agent may change of a call that is up, each by one re-INVITE.
public enum SessionChange: Hashable, Sendable {
  /// The ways products put a call on hold.
  public enum HoldForm: String, Hashable, Sendable, Codable, CaseIterable {
    /// `a=sendonly` (RFC 3264 §8.4): music may be played.
    case sendonly
    /// `a=inactive`.
    case inactive
    /// `c=0.0.0.0` (RFC 2543): still sent by old products.
    case zeroAddress = "0.0.0.0"
    /// `a=inactive`, then a re-INVITE without offer whose ACK answers `a=sendonly` from a music server: CUCM.
    case music = "inactive-then-music"
  }

  /// nil = as the product does it.
  case hold(HoldForm?)
  case resume
  /// The same session once more.
  case refresh
  /// Without offer: the peer's 200 has to carry one (RFC 3264 §5, RFC 6337 §5.3); our answer wishes for this direction.
  case askForOffer(answering: MediaDirection)
  /// The same session with other keys of SDES, at other ports, or both (RFC 4568 §7.1.4).
  case renew(keys: Bool, ports: Bool)
  /// Direct media: the peer shall send to another address; nil = to ours again.
  case directMedia(to: TransportAddress?)

  /// The direction that this side wants afterwards; nil = as before.
  var wish: MediaDirection? {
    switch self {
    case .hold(.sendonly): .sendonly
    case .hold(.inactive): .inactive
    case .hold(.zeroAddress): .sendonly
    case .hold(.music), .hold(nil): .sendonly
    case .resume: .sendrecv
    case .askForOffer(let wish): wish
    case .refresh, .renew, .directMedia: nil
    }
  }
}

/// What the caller gets before the 200 (RFC 3261 §13.3.1.1).
public enum AnswerForm: String, Hashable, Sendable, Codable, CaseIterable {
  /// 180.
  case ringing
  /// No provisional response of ours: the 200 follows the INVITE as soon as the answer is due. A caller that waits longer than 200 ms gets
  /// a 100 (RFC 3261 §17.2.1).
  case nothing
  /// 183 with the answer, and media from then on (RFC 3960). An INVITE without an offer gets 180.
  case earlyMedia
}

/// Why an INVITE cannot be taken in, known before anything was done about it.
public enum AdmissionFailure: Error, Hashable, Sendable {
  /// 503 with Retry-After (contract 8.1, step 8a).
  case noMediaPort
  /// 488 with Warning (step 9).
  case description(OfferAnswerFailure)
}
