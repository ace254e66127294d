import Rules
import SansIO

/// Collects findings. What differs in its frame, its Call-ID and its numbers alone is one finding with a count.
struct FindingCollector {
  private struct Identity: Hashable {
    var breach: Rule
    var severity: InspectionFinding.Severity
    var shape: String
    /// Where its cause is in the list: what has one is not joined with what has none.
    var cause: Int?
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
  /// Where the cause of each of them is in the list, always before it.
  private var causes: [Int?] = []
  private var causeIndex = CauseIndex()
  /// Findings whose cause may still come.
  private var waiting: [InspectionFinding] = []
  private(set) var leftOut = 0
  /// Part of the Call-IDs that are asked for; findings of others are not kept.
  private let filter: String?

  init(filter: String? = nil) { self.filter = filter }

  mutating func add(_ finding: InspectionFinding) {
    if let filter, finding.callID?.contains(filter) != true { return }
    if CauseTable.rank(finding.breach) > 0 { waiting.append(finding) } else { insert(finding, nil) }
  }

  /// All causes are there: what waits for them is put under them.
  mutating func settle() {
    let ranked = waiting.enumerated().sorted {
      (CauseTable.rank($0.element.breach), $0.offset) < (CauseTable.rank($1.element.breach), $1.offset)
    }
    waiting = []
    for (_, finding) in ranked { insert(finding, causeIndex.cause(of: finding)) }
  }

  /// Those that were added, without what follows from what.
  var unsettled: [InspectionFinding] { list + waiting }

  private mutating func insert(_ finding: InspectionFinding, _ cause: Int?) {
    let identity = Identity(breach: finding.breach, severity: finding.severity, shape: Self.shape(finding.text), cause: cause)
    if let position = index[identity] {
      causeIndex.add(finding, at: position)
      return join(finding, position)
    }
    guard kept[finding.severity, default: 0] < Self.capacity else {
      leftOut += 1
      return
    }
    kept[finding.severity, default: 0] += 1
    causeIndex.add(finding, at: list.count)
    index[identity] = list.count
    list.append(finding)
    causes.append(cause)
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

  /// Errors, warnings, notes, each in the order of the frames; behind each what follows from it.
  var sorted: [InspectionFinding] {
    let order = list.indices.sorted { (list[$0].severity, list[$0].frame, $0) < (list[$1].severity, list[$1].frame, $1) }
    var symptoms: [Int: [Int]] = [:]
    for position in order { if let cause = cause(of: position) { symptoms[cause, default: []].append(position) } }
    var found: [InspectionFinding] = []
    found.reserveCapacity(list.count)
    func add(_ position: Int, under cause: Int?, _ level: Int) {
      var finding = list[position]
      finding.cause = cause.map { InspectionFinding.Cause(check: list[$0].check, frame: list[$0].frame, level: level) }
      found.append(finding)
      for symptom in symptoms[position] ?? [] { add(symptom, under: position, level + 1) }
    }
    for position in order where cause(of: position) == nil { add(position, under: nil, 0) }
    return found
  }

  /// What is only worth knowing explains nothing that is wrong.
  private func cause(of position: Int) -> Int? {
    causes[position].flatMap { list[$0].severity == .note && list[position].severity != .note ? nil : $0 }
  }
}
