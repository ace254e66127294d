import Rules
import SansIO

/// Collects findings. What differs in its frame, its Call-ID and its numbers alone is one finding with a count.
struct FindingCollector {
  private struct Identity: Hashable {
    var breach: Rule
    var severity: InspectionFinding.Severity
    var shape: String
  }

  /// Findings of a severity that are kept one by one: however many notes there are, no error is left out for them.
  private static let capacity = 1_000
  /// Frames and Call-IDs that a finding names.
  private static let examples = 8
  /// Call-IDs that are told apart, over all findings.
  private static let mostCallIDs = 100_000

  private var index: [Identity: Int] = [:]
  private var known: [Set<String>] = []
  private var callIDs = 0
  private var kept: [InspectionFinding.Severity: Int] = [:]
  private(set) var list: [InspectionFinding] = []
  private(set) var leftOut = 0
  /// Part of the Call-IDs that are asked for; findings of others are not kept.
  private let filter: String?

  init(filter: String? = nil) { self.filter = filter }

  mutating func add(_ finding: InspectionFinding) {
    if let filter, finding.callID?.contains(filter) != true { return }
    let identity = Identity(breach: finding.breach, severity: finding.severity, shape: Self.shape(finding.text))
    if let position = index[identity] { return join(finding, position) }
    guard kept[finding.severity, default: 0] < Self.capacity else {
      leftOut += 1
      return
    }
    kept[finding.severity, default: 0] += 1
    index[identity] = list.count
    list.append(finding)
    known.append(Set(finding.callIDs))
  }

  mutating func add(_ findings: [InspectionFinding]) { for finding in findings { add(finding) } }

  private mutating func join(_ finding: InspectionFinding, _ position: Int) {
    list[position].count += finding.count
    if !list[position].numbersVary, finding.text != list[position].text { list[position].numbersVary = true }
    // Dialogs are judged one by one, so that a later finding may be of an earlier frame; numbers are those of the first.
    if finding.frame < list[position].frame {
      (list[position].frame, list[position].text, list[position].callID) = (finding.frame, finding.text, finding.callID)
    }
    addFrame(finding.frame, position)
    guard let callID = finding.callID, callIDs < Self.mostCallIDs, known[position].insert(callID).inserted else { return }
    callIDs += 1
    list[position].dialogs += 1
    if list[position].callIDs.count < Self.examples { list[position].callIDs.append(callID) }
  }

  /// Keeps the first frames, in order.
  private mutating func addFrame(_ frame: Int, _ position: Int) {
    let place = list[position].frames.firstIndex { $0 > frame } ?? list[position].frames.count
    guard place < Self.examples else { return }
    list[position].frames.insert(frame, at: place)
    if list[position].frames.count > Self.examples { list[position].frames.removeLast() }
  }

  /// The text with `#` for each word that is a number. Addresses, URIs and versions stay as they are, and so does what may be a status
  /// code, three digits that are no frame's.
  static func shape(_ text: String) -> String {
    var text = text
    return text.withUTF8 { bytes in
      String(unsafeUninitializedCapacity: bytes.count) { shape in
        var (count, start, isAfterFrame) = (0, 0, false)
        var number = NumberWord()
        for position in 0...bytes.count {
          if position < bytes.count, bytes[position] != UInt8(ascii: " ") {
            number.take(bytes[position])
            shape[count] = bytes[position]
            count += 1
            continue
          }
          if number.isNumber, number.digits != 3 || isAfterFrame {
            shape[start] = UInt8(ascii: "#")
            count = start + 1
          }
          isAfterFrame = shape[start..<count].elementsEqual("frame".utf8)
          if position < bytes.count {
            shape[count] = UInt8(ascii: " ")
            count += 1
          }
          (start, number) = (count, NumberWord())
        }
        return count
      }
    }
  }

  /// Digits of a word that has, beside them, at most one point and what sentences put around numbers.
  private struct NumberWord {
    private(set) var digits = 0
    private var points = 0
    private var hasOthers = false
    var isNumber: Bool { digits > 0 && points <= 1 && !hasOthers }

    mutating func take(_ byte: UInt8) {
      switch byte {
      case 48...57: digits += 1
      case UInt8(ascii: "."): points += 1
      case UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "-"): break
      default: hasOthers = true
      }
    }
  }

  /// Nobody is accused of what the network made of packets.
  mutating func excuse(_ isDamaged: (TransportAddress) -> Bool) {
    for index in list.indices { if let blamed = list[index].blamed, isDamaged(blamed) { list[index] = list[index].excused() } }
  }

  /// Errors, warnings, notes, each in the order of the frames.
  var sorted: [InspectionFinding] {
    list.enumerated().sorted { left, right in
      (left.element.severity, left.element.frame, left.offset) < (right.element.severity, right.element.frame, right.offset)
    }.map(\.element)
  }
}
