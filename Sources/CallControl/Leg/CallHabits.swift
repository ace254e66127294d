import Media
import SIPComposition
import SIPMessage
import SIPUserAgent

/// What a product does with calls and registrations, beside how it writes: the part of a persona that a ``CallAgent`` carries out.
public struct CallHabits: Hashable, Sendable, Codable {
  /// How it puts a call on hold when nobody says how.
  public var hold = SessionChange.HoldForm.sendonly
  /// What a held party hears, in hertz; it comes from the music server.
  public var musicFrequency = 660
  /// o= names the signalling address, wherever the media stands.
  public var originIsSignalling = false
  /// Seconds before the expiry at which a binding is refreshed; nil = a tenth of it, at least 5.
  public var registrationLead: Int?

  /// What it does in the situations of a call.
  public var behaviour = Behaviour()

  public init() {}

  var takesMediaBack: Bool { behaviour.does(.takeMediaBack, in: .hangUpWithDirectMedia) }
  var reportsMediaInBye: Bool { behaviour.does(.reportMedia, in: .bye) }
  /// Header fields of a refused re-INVITE; nil = a Warning (RFC 3261 §20.43).
  var reinviteRefusalFields: [HeaderField]? { behaviour.answer(to: .unacceptableReoffer)?.fields }

  /// The re-INVITEs that one change takes.
  func steps(_ change: SessionChange) -> [SessionChange] {
    switch change {
    case .hold(nil): steps(.hold(hold))
    case .hold(.music): [.hold(.inactive), .askForOffer(answering: .sendonly)]
    case .resume: hold == .music ? [.hold(.inactive), .askForOffer(answering: .sendrecv)] : [change]
    case .hold, .refresh, .renew, .askForOffer, .directMedia: [change]
    }
  }
}
