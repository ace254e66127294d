import SansIO

/// What became of the packets of a run on links that draw: recorded, it can be replayed instead of the draws, and be made smaller.
///
/// Packets that simply took the link's delay are left out: what is not in a plan takes the delay.
public struct FatePlan: Hashable, Sendable {
  /// One direction of a link.
  public struct Direction: Hashable, Sendable, CustomStringConvertible {
    public var from: String
    public var to: String

    public init(from: String, to: String) { (self.from, self.to) = (from, to) }

    public var description: String { "\(from) > \(to)" }
  }

  /// In the order in which directions were first written or recorded.
  public private(set) var directions: [Direction] = []
  private var fates: [Direction: [Int: Passage]] = [:]

  public init() {}

  /// By the number of the packet on the link, from 1.
  public subscript(direction: Direction) -> [Int: Passage] { fates[direction] ?? [:] }

  /// How many packets it has.
  public var count: Int { fates.values.reduce(0) { $0 + $1.count } }

  public mutating func set(_ direction: Direction, _ number: Int, _ passage: Passage?) {
    if fates[direction] == nil {
      guard passage != nil else { return }
      directions.append(direction)
    }
    fates[direction, default: [:]][number] = passage
  }

  /// All packets, by direction and number.
  public var entries: [(direction: Direction, number: Int, passage: Passage)] {
    directions.flatMap { direction in
      self[direction].sorted { $0.key < $1.key }.map { (direction, $0.key, $0.value) }
    }
  }

  // MARK: - The file

  /// ``parse(_:)`` reads it.
  public var text: String {
    var (lines, current): ([String], Direction?) = ([], nil)
    for (direction, number, passage) in entries {
      if current != direction { lines.append("\(direction)") }
      current = direction
      lines.append("  \(number): \(passage)")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Reads a plan:
  ///
  /// ```
  /// pbx > kallglot
  ///   4: lost, burst
  ///   9: 21.5 ms, again 30 ms
  /// kallglot > pbx
  ///   2: 80 ms, held back
  /// ```
  /// `#` begins a comment.
  public static func parse(_ text: String) throws(PacketList.Mistake) -> FatePlan {
    var (plan, direction): (FatePlan, Direction?) = (FatePlan(), nil)
    for (index, whole) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = whole.prefix { $0 != "#" && $0 != "\r" && $0 != "\r\n" }
      guard let start = line.firstIndex(where: { !$0.isWhitespace }) else { continue }
      let column = line.distance(from: line.startIndex, to: start) + 1
      func mistake(_ offset: Int, _ reason: String) -> PacketList.Mistake {
        PacketList.Mistake(line: index + 1, column: column + offset, reason: reason)
      }
      if let colon = line.firstIndex(of: ":") {
        guard let direction else { throw mistake(0, "before the first packet there is a direction such as 'pbx > kallglot'") }
        guard let number = Int(line[start..<colon]), number > 0 else { throw mistake(0, "expected the number of a packet, from 1") }
        guard plan[direction][number] == nil else { throw mistake(0, "packet \(number) appears more than once") }
        let words = line[line.index(after: colon)...]
        do throws(Passage.Mistake) { plan.set(direction, number, try Passage.parse(words)) } catch {
          throw mistake(line.distance(from: start, to: words.startIndex) + error.offset, error.reason)
        }
      } else {
        let names = line.split(separator: ">", omittingEmptySubsequences: false).map { $0.split(separator: " ").joined(separator: " ") }
        guard names.count == 2, !names[0].isEmpty, !names[1].isEmpty else {
          throw mistake(0, "expected a direction such as 'pbx > kallglot', or a packet such as '4: lost'")
        }
        direction = Direction(from: names[0], to: names[1])
      }
    }
    return plan
  }
}

/// Where what becomes of packets on impaired links comes from.
public enum FateUse: Sendable {
  /// From the seed.
  case drawn
  /// From the seed, and it is kept.
  case recorded
  /// From a plan, whatever the seed; what is not in it takes the delay.
  case replayed(FatePlan)
}
