/// The one boundary between protocol and world; both drivers know nothing else.
///
/// The contract: after every call the driver acts on the outbox in order and arms one wake-up for ``nextDeadline``. A host does nothing
/// between calls, reads no clock, draws no randomness that was not handed to it, and is owned by one driver.
public protocol NetworkHost: AnyObject {
  /// Called once, before anything else.
  func start(at now: Instant, _ out: inout Outbox)
  func receive(_ arrival: Arrival, at now: Instant, _ out: inout Outbox)
  /// Called when `nextDeadline` has come; `now` may be later than the deadline and several may have passed.
  func wake(at now: Instant, _ out: inout Outbox)
  /// The earliest instant at which this host wants ``wake(at:_:)``; nil = never. O(1): never a scan over legs.
  var nextDeadline: Instant? { get }
}

/// A host that can name the timer behind its ``NetworkHost/nextDeadline``, for reports about one that never comes to rest.
public protocol TimerNaming: NetworkHost {
  /// Whose timer is due next: `a transaction`; nil = none is.
  var nextTimer: String? { get }
}

/// A host that scenarios, the command line and the API core can drive.
public protocol ScriptedHost: NetworkHost {
  associatedtype Command: Sendable
  associatedtype Event: HostEvent
  func perform(_ command: Command, at now: Instant, _ out: inout Outbox)
}

/// Something that happened inside a host, told upwards by `Departure.event`.
public protocol HostEvent: Sendable {
  /// A stable name for the journal, in kebab case: `"call-established"`.
  var journalName: String { get }
  /// Writes the event's facts, as members of an object of the journal, in a fixed order. No secret is ever among them.
  func writeFields(to json: inout JSONWriter)
}
