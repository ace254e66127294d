import RTP
import SDP
import SIPMessage
import SansIO

/// The rules that the Lab watches peers for while it takes part in a call, in the order of the reference: messages, transactions and
/// dialogs; offer and answer; registration; media.
public enum RuleCatalogue {
  public static let rules: [PeerViolation.Rule] = [
    .messageUnreadable, .messageForm, .refusalNotAcknowledged, .acknowledgementSequence, .successWithoutDialog, .contactMissing,
    .contactElsewhere, .requestContactSecure, .responseContactSecure, .byeInEarlyDialog, .sequenceNotHigher, .inviteOverlaps,
    .requireInDialog, .severalVias, .offerUnusable, .answerMissing, .secondAnswer, .answerUnusable, .answerWithoutOffer,
    .answerStreamCount, .answerStreamOrder, .answerFormat, .answerProfile, .answerDirection, .offerDropsStreams, .originVersion,
    .minimumExpires, .listedBindings, .registeredContact, .rtpMalformed, .rtpPayloadType, .rtpWhileHeld, .rtpSource,
    .privateAddress, .rtcpMalformed,
  ]

  /// The ids, which `allowViolations` and the expectation `violation` take.
  public static let ids = rules.map(\.id)

  /// - Returns: nil where no rule has this id.
  public static func rule(_ id: String) -> PeerViolation.Rule? { rules.first { $0.id == id } }
}
