import SIPMessage
import SansIO

/// A fault in the words of a scenario.
public struct FaultPlan: Hashable, Sendable {
  public enum Action: Hashable, Sendable {
    case drop
    case delay(Duration)
    case duplicate
    case reset
    /// The first `text` in the message becomes `with`.
    case replace(text: String, with: String)
    /// The byte at this offset is inverted; nil = the one in the middle.
    case corrupt(offset: Int?)
    /// Leaves in segments of so many octets.
    case split(Int)
    case halfClose
  }

  public var text: String
  public var sender: String?
  public var receiver: String?
  public var subject: Label.Subject
  /// Of ACKs: only that of a response with this status; 0 = any.
  public var acknowledged: UInt16 = 0
  public var occurrences: ClosedRange<Int>
  public var action: Action
  /// From the step on; nil = for the whole run.
  public var lifetime: Duration?
  /// What the message's text is like besides; nil = only the kind of message counts.
  var condition: MessagePattern?
  /// Nothing is said when no message ever met it.
  public var isOptional = false
  /// The step that made it.
  public var place: SourcePlace?

  /// Whether a write's bytes have to be seen, which TLS does not show.
  public var readsBytes: Bool { condition != nil }

  /// Whether the text of a message is what the fault waits for.
  public func matches(_ bytes: Bytes) -> Bool {
    guard let condition else { return true }
    guard let message = try? SIPMessage.parse(bytes) else { return false }
    return condition.difference(message) == nil
  }

  /// How a message of the kind that was meant differs from the one that was; nil when it does not.
  func difference(_ bytes: Bytes) -> (score: Int, text: String)? {
    guard let condition, let message = try? SIPMessage.parse(bytes) else { return nil }
    return condition.difference(message)
  }

  /// The bytes that arrive instead of these; nil where the action changes none.
  public func rewritten(_ bytes: Bytes) -> Bytes? {
    switch action {
    case .replace(let text, let with):
      let (whole, old) = (bytes.array, Array(text.utf8))
      guard let range = whole.firstRange(of: old) else { return bytes }
      return Bytes(Array(whole[..<range.lowerBound]) + Array(with.utf8) + Array(whole[range.upperBound...]))
    case .corrupt(let offset):
      var array = bytes.array
      let index = min(offset ?? array.count / 2, array.count - 1)
      if array.indices.contains(index) { array[index] = ~array[index] }
      return Bytes(array)
    case .drop, .delay, .duplicate, .reset, .split, .halfClose: return nil
    }
  }
}

extension Scenario {
  /// The faults that stand from the beginning: those of `fault` steps before which no other step stands.
  public var standingFaults: [FaultPlan] { steps.prefix { $0.step is FaultStep }.compactMap { ($0.step as? FaultStep)?.plan } }
}
