import SansIO

/// What a dialog, a policy and a log need of a message beyond its ``Essentials``: places and numbers, no text. ``SIPMessage/uri(_:)`` and
/// ``SIPMessage/address(_:)`` make typed values of them.
///
/// A field that is missing or cannot be read is nil; the latter are among the faults.
public struct MessageFacts: Sendable {
  /// nil for a response, and where it has headers, which no Request-URI may have (RFC 3261 §19.1.1).
  public internal(set) var requestURI: URISlot?
  public internal(set) var from: AddressSlot?
  public internal(set) var to: AddressSlot?
  /// The first Contact; nil also for `*`, and where any other Contact cannot be read.
  public internal(set) var contact: AddressSlot?
  /// The topmost Record-Route; nil also where any other cannot be read.
  public internal(set) var recordRoute: AddressSlot?
  /// Seconds, as ``SIPMessage/expires()``.
  public internal(set) var expires: Int?
  /// As ``SIPMessage/maxForwards()``.
  public internal(set) var maxForwards: Int?
  /// What is wrong with the header, in the order in which it is looked at; empty for a message as RFC 3261 wants it.
  public internal(set) var faults: [MessageFault] = []
}
