import SansIO

/// Something that happens to one message at one moment, named by the label of its write.
public struct Fault: Sendable {
  public enum Action: Sendable {
    /// Lost. Over TCP the segments that carry the message are lost once and come 200 ms later.
    case drop
    /// Nanoseconds are what the simulator counts in; a delayed datagram can be overtaken.
    case delay(Duration)
    /// Datagrams only.
    case duplicate
    /// The connection is reset instead of carrying the message; a datagram is lost.
    case reset
    /// Other bytes arrive than were sent; the label says that they are deliberately broken. Of a stream the write itself is changed, so
    /// that sequence numbers stay right.
    case rewrite(@Sendable (Bytes) -> Bytes)
    /// Streams: leaves in segments of so many octets.
    case split(Int)
    /// Streams: FIN follows the message, as if its sender would write no more; when it does, the connection is reset.
    case halfClose
  }

  /// In the words of the scenario: what captures and findings say.
  public var text: String
  /// nil = whoever sends such a message.
  public var sender: HostID?
  /// nil = whoever it is for.
  public var receiver: HostID?
  /// The payload type of `.rtp` is not compared.
  public var subject: Label.Subject
  /// Of ACKs: only that of a response with this status; 0 = any.
  public var acknowledged: UInt16 = 0
  /// Which of the messages that match, from 1, retransmissions counted.
  public var occurrences: ClosedRange<Int>
  public var action: Action
  /// After so long from when it is added it is over; nil = never.
  public var lifetime: Duration?
  /// Looks at the bytes of a write whose label matches: whether this is the message that is meant. Of what goes through TLS it sees
  /// ciphertext. nil = the label is enough.
  public var condition: (@Sendable (Bytes) -> Bool)?

  public init(
    _ text: String, sender: HostID? = nil, subject: Label.Subject, occurrences: ClosedRange<Int> = 1...1, action: Action,
    condition: (@Sendable (Bytes) -> Bool)? = nil
  ) {
    self.text = text
    self.sender = sender
    self.subject = subject
    self.occurrences = occurrences
    self.action = action
    self.condition = condition
  }
}

/// The faults of a run and how often each has been met.
struct FaultTable {
  /// A fault, by its number, and what it does.
  typealias Hit = (number: UInt16, action: Fault.Action)

  private var faults: [(fault: Fault, end: Instant, seen: Int, struck: Int)] = []

  var isEmpty: Bool { faults.isEmpty }

  mutating func add(_ fault: Fault, at now: Instant) -> UInt16 {
    faults.append((fault, fault.lifetime.map { now.advanced(by: $0) } ?? .distantFuture, 0, 0))
    return UInt16(clamping: faults.count)
  }

  /// The first fault that wants this message, by its number.
  mutating func match(_ label: Label, _ bytes: Bytes, from host: Int, to peer: Int, at now: Instant) -> Hit? {
    var hit: Hit?
    for index in faults.indices where now < faults[index].end && matches(faults[index].fault, label, bytes, host, peer) {
      faults[index].seen += 1
      guard hit == nil, faults[index].fault.occurrences.contains(faults[index].seen) else { continue }
      faults[index].struck += 1
      hit = (UInt16(index + 1), faults[index].fault.action)
    }
    return hit
  }

  private func matches(_ fault: Fault, _ label: Label, _ bytes: Bytes, _ host: Int, _ peer: Int) -> Bool {
    if let sender = fault.sender, Int(sender.rawValue) != host { return false }
    if let receiver = fault.receiver, Int(receiver.rawValue) != peer { return false }
    let isSame = if case .rtp = fault.subject, case .rtp = label.subject { true } else { fault.subject == label.subject }
    guard isSame, fault.acknowledged == 0 || fault.acknowledged == label.acknowledgedStatus else { return false }
    return fault.condition.map { $0(bytes) } ?? true
  }

  /// The fault's text, how many messages matched it, and to how many of them it happened.
  func report(_ number: UInt16) -> (text: String, seen: Int, struck: Int)? {
    let index = Int(number) - 1
    return faults.indices.contains(index) ? (faults[index].fault.text, faults[index].seen, faults[index].struck) : nil
  }
}
