import Impairments
import SansIO

/// `{ after: 5 s, delay: 80 ms }`
enum DelayStepKeys {
  private static let after = Key.required("after", .duration, "From when the link is as it is written here.")
  private static let delay = Key.required("delay", .duration, "One way.")
  static let mapping = MappingShape([after, delay])

  static func read(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> DelayStep {
    let fields = try place.fields(mapping, scope)
    return DelayStep(after: try fields[after], delay: try fields[delay])
  }
}

/// `{ from: 10 s, for: 5 s, every: 30 s }`
enum OutageKeys {
  private static let from = Key.standard("from", .duration, "0", "When it begins, from when the link is as it is written here.")
  private static let length = Key.required("for", .duration, "How long.")
  private static let every = Key.optional("every", .duration, "From the beginning of one to that of the next; once when missing.")
  static let mapping = MappingShape([from, length, every])

  static func read(_ place: NodeReader, _ scope: StepScope) throws(SourceProblem) -> Outage {
    let fields = try place.fields(mapping, scope)
    let outage = Outage(from: try fields[from], for: try fields[length], every: try fields[every])
    if let every = outage.every, every <= outage.length { throw place.problem("the link never comes up: 'every' is not longer than 'for'") }
    return outage
  }
}

extension ValueType where Value == DelayStep {
  static var delayStep: ValueType { ValueType(.mapping(DelayStepKeys.mapping), DelayStepKeys.read) }
}

extension ValueType where Value == Outage {
  static var outage: ValueType { ValueType(.mapping(OutageKeys.mapping), OutageKeys.read) }
}

extension ValueType where Value == Int {
  /// In bits a second.
  static var bitRate: ValueType {
    ValueType(.quantity(.bitRate)) { (place, _) throws(SourceProblem) in
      try place.value("a bit rate such as '512 kbit/s' or '10 Mbit/s'", ScalarText.bitRate)
    }
  }
}

extension ValueType where Value == Double {
  static var decimal: ValueType {
    ValueType(.quantity(.decimal)) { (place, _) throws(SourceProblem) in try place.value("a number such as '2.5'", ScalarText.number) }
  }
}

extension ValueType where Value == Bandwidth.Queue {
  static var queue: ValueType {
    ValueType(.quantity(.queue)) { (place, _) throws(SourceProblem) in
      try place.value("a queue such as '64 kB' or '200 ms'") { text in
        ScalarText.duration(text).map { .time($0) } ?? ScalarText.octets(text).map { .bytes($0) }
      }
    }
  }
}

extension ValueType where Value == PacketList {
  /// A file's text, which stands in place of its path.
  static var pattern: ValueType {
    ValueType(.text) { (place, _) throws(SourceProblem) in
      let text = try place.template()
      do throws(PacketList.Mistake) { return try PacketList.parse(text) } catch {
        throw SourceProblem(file: place.file, line: error.line, column: error.column, error.reason)
      }
    }
  }

  /// `{ 17: lost, 18: 85 ms }`
  static var fates: ValueType {
    ValueType(.named(.quantity(.fate))) { (place, _) throws(SourceProblem) in
      var entries: [Int: Passage] = [:]
      for (key, keyPlace, value) in try place.pairs() {
        guard let number = Int(key), number > 0 else { throw keyPlace.problem("'\(key)' is not the number of a packet, from 1") }
        let text = try value.text()
        do throws(Passage.Mistake) { entries[number] = try Passage.parse(text) } catch { throw value.problem(error.reason) }
      }
      return PacketList(entries, outlastsChanges: true)
    }
  }
}

extension ScalarText {
  private static let rates: [(String, Int64)] = [("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000), ("bit/s", 1)]
  private static let sizes: [(String, Int64)] = [("kB", 1_000), ("MB", 1_000_000), ("B", 1)]

  static func bitRate(_ text: String) -> Int? { whole(text, rates).flatMap { $0 > 0 ? $0 : nil } }
  static func octets(_ text: String) -> Int? { whole(text, sizes) }

  static func number(_ text: String) -> Double? {
    guard let (number, scale) = decimal(text[...]) else { return nil }
    return Double(number) / Double(scale)
  }

  /// A number with one of these units, rounded down.
  private static func whole(_ text: String, _ units: [(String, Int64)]) -> Int? {
    let trimmed = text.filter { $0 != " " }
    for (unit, factor) in units where trimmed.hasSuffix(unit) {
      guard let (number, scale) = decimal(trimmed.dropLast(unit.count)) else { continue }
      let (product, overflow) = number.multipliedReportingOverflow(by: factor)
      return overflow ? nil : Int(product / scale)
    }
    return nil
  }
}
