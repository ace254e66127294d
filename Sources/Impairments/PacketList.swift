import SansIO

/// What becomes of packets of a link, one by one: those that stand in it have nothing of the models.
public struct PacketList: Hashable, Sendable {
  /// By the number of the packet on the link, from 1.
  public private(set) var entries: [Int: Passage]
  /// After so many packets the list begins again; nil = it does not.
  public private(set) var cycle: Int?
  /// It holds for the whole run, however the link changes.
  public private(set) var outlastsChanges: Bool

  public init(_ entries: [Int: Passage], cycle: Int? = nil, outlastsChanges: Bool = false) {
    self.entries = entries
    self.cycle = cycle
    self.outlastsChanges = outlastsChanges
  }

  /// The fate of the n-th packet; nil = the models decide.
  func passage(of number: Int) -> Passage? {
    if let cycle, cycle > 0 { return entries[(number - 1) % cycle + 1] }
    return entries[number]
  }

  // MARK: - The file

  /// Where a pattern cannot be read, and why.
  public struct Mistake: Error, Hashable, CustomStringConvertible {
    /// From 1.
    public var line: Int
    public var column: Int
    public var reason: String

    public var description: String { "\(line):\(column): \(reason)" }
  }

  /// More packets than an hour of audio has.
  public static let most = 1_000_000

  /// Reads a pattern: a line a packet, in the order in which they are sent. After the last line it begins again.
  ///
  /// ```
  /// # taken from a call on a train
  /// 20 ms          the time it takes, instead of the link's
  /// lost
  /// link x 40      as the link has it, forty packets
  /// 80 ms, again 95 ms
  /// once           nothing begins again: what follows is as the link has it. The last line.
  /// ```
  /// `#` begins a comment.
  public static func parse(_ text: String) throws(Mistake) -> PacketList {
    var (entries, count, isOnce): ([Int: Passage], Int, Bool) = ([:], 0, false)
    for (index, whole) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = whole.prefix { $0 != "#" && $0 != "\r" && $0 != "\r\n" }
      guard let start = line.firstIndex(where: { !$0.isWhitespace }) else { continue }
      let column = line.distance(from: line.startIndex, to: start) + 1
      func mistake(_ offset: Int, _ reason: String) -> Mistake { Mistake(line: index + 1, column: column + offset, reason: reason) }
      if isOnce { throw mistake(0, "'once' is the last line of a pattern") }
      var words = line[start...]
      while words.last?.isWhitespace == true { words.removeLast() }
      if words == "once" {
        isOnce = true
        continue
      }
      let (passage, times) = try packets(words, mistake)
      guard times <= most - count else { throw mistake(0, "a pattern has at most \(CountText.of(most, "packet"))") }
      if let passage { for number in count + 1...count + times { entries[number] = passage } }
      count += times
    }
    guard count > 0 else { throw Mistake(line: 1, column: 1, reason: "the pattern has no packet") }
    return PacketList(entries, cycle: isOnce ? nil : count)
  }

  /// One line: what becomes of how many packets.
  private static func packets(_ words: Substring, _ mistake: (Int, String) -> Mistake) throws(Mistake) -> (Passage?, Int) {
    var (words, times) = (words, 1)
    if let sign = words.lastIndex(of: "x") {
      let number = words[words.index(after: sign)...]
      let offset = words.distance(from: words.startIndex, to: sign)
      guard let count = Int(number.filter { $0 != " " }), count > 0, count <= most else {
        throw mistake(offset, "'x' is followed by how many packets, from 1 to \(most)")
      }
      (words, times) = (words[..<sign], count)
    }
    while words.last?.isWhitespace == true { words.removeLast() }
    if words == "link" { return (nil, times) }
    do throws(Passage.Mistake) {
      return (try Passage.parse(words), times)
    } catch {
      throw mistake(error.offset, error.offset == 0 ? "\(error.reason), or 'link'" : error.reason)
    }
  }
}
