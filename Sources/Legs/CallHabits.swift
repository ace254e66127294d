import SIPComposition
import Media

/// What a product does with calls and registrations, beside how it writes: the part of a persona that a ``Party`` carries out.
public struct CallHabits: Hashable, Sendable, Codable {
  /// How it puts a call on hold when nobody says how.
  public var hold = SessionChange.HoldForm.sendonly
  /// What a held party hears, in hertz; it comes from the music server.
  public var musicFrequency = 660
  /// A call whose media was moved elsewhere gets it back before the BYE, which then has no Reason.
  public var takesMediaBack = false
  /// BYE tells the call's RTP in P-RTP-Stat.
  public var reportsMediaInBye = false
  /// o= names the signalling address, wherever the media stands.
  public var originIsSignalling = false
  /// Header fields of a refused re-INVITE, as name and value; nil = a Warning (RFC 3261 §20.43).
  public var reinviteRefusalHeaders: [[String]]?
  /// Seconds before the expiry at which a binding is refreshed; nil = a tenth of it, at least 5.
  public var registrationLead: Int?

  public init() {}

  /// The re-INVITEs that one change takes.
  func steps(_ change: SessionChange) -> [SessionChange] {
    switch change {
    case .hold(nil): steps(.hold(hold))
    case .hold(.music): [.hold(.inactive), .askForOffer(answering: .sendonly)]
    case .resume: hold == .music ? [.hold(.inactive), .askForOffer(answering: .sendrecv)] : [change]
    case .hold, .refresh, .askForOffer, .moveMedia: [change]
    }
  }
}
