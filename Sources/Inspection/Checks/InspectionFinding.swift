import Rules
import SansIO
import WireReader

/// Something that is wrong in a capture, or worth knowing, in plain words.
public struct InspectionFinding: Hashable, Sendable {
  public typealias Severity = Rule.Severity

  /// What is not kept; its id is the check's name for programs.
  public var breach: Rule
  public var check: String { breach.id }
  public var severity: Severity
  /// The section that says so, which may be another than the rule's own; "" where it is not a rule of a standard.
  public var rule: String
  public var text: String
  /// Who broke it, by the address that its packets come from; nil where the capture does not say.
  public var blamed: TransportAddress?
  /// The first that shows it.
  public var frame: Int
  /// The dialog's; of several the first one's.
  public var callID: String?
  /// How many frames show the same.
  public var count = 1
  /// The first frames that show it, `frame` among them.
  public var frames: [Int]
  /// The first Call-IDs that it is about.
  public var callIDs: [String]
  /// How many Call-IDs it is about.
  public var dialogs: Int
  /// The others say the same with other numbers.
  public var numbersVary = false
  /// The address that it is about, where that is one.
  public var place: TransportAddress?
  /// The finding that it follows from; nil where it is a fault of its own, as far as the capture shows.
  public var cause: Cause?

  /// A finding as another one names it.
  public struct Cause: Hashable, Sendable {
    public var check: String
    public var frame: Int
    /// 1 for what follows from a fault of its own, 2 for what follows from that …
    public var level: Int
  }

  /// - Parameter rule: the section; one that the text names itself, in brackets, takes its place, so that it is said once.
  public init(
    _ breach: Rule, _ severity: Severity, _ rule: String, _ text: String, frame: Int, callID: String? = nil,
    blamed: TransportAddress? = nil, place: TransportAddress? = nil
  ) {
    (self.breach, self.blamed, self.place) = (breach, blamed, place)
    self.severity = severity
    (self.text, self.rule) = Self.separated(text, rule)
    self.frame = frame
    self.callID = callID
    frames = [frame]
    callIDs = callID.map { [$0] } ?? []
    dialogs = callIDs.count
  }

  /// The text without its section in brackets, and that section.
  private static func separated(_ text: String, _ rule: String) -> (text: String, rule: String) {
    var text = text
    let place = text.withUTF8 { bytes -> (begin: Int, end: Int)? in
      let word = " (RFC ".utf8
      guard
        let begin = bytes.indices.first(where: { bytes[$0] == 40 && $0 > 0 && bytes[($0 - 1)...].starts(with: word) }),
        let end = bytes[begin...].firstIndex(of: 41)
      else { return nil }
      return (begin, end)
    }
    guard let (begin, end) = place else { return (text, rule) }
    let bytes = text.utf8
    func index(_ offset: Int) -> String.Index { bytes.index(bytes.startIndex, offsetBy: offset) }
    return ("\(text[..<index(begin - 1)])\(text[index(end + 1)...])", String(text[index(begin + 1)..<index(end)]))
  }
}

extension InspectionFinding {
  /// Nobody is accused of what the network did.
  func excused() -> InspectionFinding {
    guard severity != .note else { return self }
    var finding = self
    finding.severity = .note
    finding.text += "; but bits of packets between these two were flipped on the way"
    return finding
  }

  /// Nobody is accused of what may be in a part that was not captured or not read.
  func softened() -> InspectionFinding {
    guard severity != .note else { return self }
    var finding = self
    finding.severity = .note
    finding.text += "; but parts of this capture are missing"
    return finding
  }
}
