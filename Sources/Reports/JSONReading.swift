import Inspection
import SansIO
import ScenarioModel

/// A report that `run --json` wrote, read back.
public struct JSONResults: Decodable, Sendable {
  public let record: RunRecord

  private enum Key: String, CodingKey {
    case version, selected, ending, program, scenarioSet, shard, seeds, repeats, elapsedNanoseconds, scenarios
  }

  private struct Program: Decodable {
    var version: String
    var commit: String?
  }

  private struct Part: Decodable {
    var index: Int
    var count: Int
    var scenarios: Int
    var positions: [Int]
  }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    func wrong(_ key: Key, _ what: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: fields, debugDescription: what)
    }
    guard try fields.decode(Int.self, forKey: .version) == JSONReport.version else { throw wrong(.version, "another version") }
    var record = RunRecord(
      try fields.decode([JSONScenario].self, forKey: .scenarios).map(\.result), selected: Int(try fields.number(.selected, below: 1 << 32)),
      series: try fields.series(.seeds, .repeats),
      elapsed: .nanoseconds(try fields.number(.elapsedNanoseconds)),
      ending: try fields.decode(RunRecord.Ending.self, forKey: .ending))
    let program = try fields.decode(Program.self, forKey: .program)
    record.origin = RunRecord.Origin(
      version: program.version, commit: program.commit, scenarioSet: try fields.decode(String.self, forKey: .scenarioSet))
    if let part = try fields.decodeIfPresent(Part.self, forKey: .shard) {
      guard let shard = Shard(index: part.index, of: part.count), part.positions.count == record.results.count,
        part.positions.allSatisfy({ $0 >= 0 && $0 < part.scenarios })
      else { throw wrong(.shard, "not a shard") }
      record.part = RunRecord.Part(shard, total: part.scenarios, positions: part.positions)
    }
    self.record = record
  }
}

private struct JSONSeeds: Decodable {
  let range: ClosedRange<UInt64>

  private enum Key: String, CodingKey { case first, last }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    let (first, last) = (try fields.seed(.first), try fields.seed(.last))
    guard first <= last, last - first < 1 << 28 else {
      throw DecodingError.dataCorruptedError(forKey: .last, in: fields, debugDescription: "not a range")
    }
    range = first...last
  }
}

extension KeyedDecodingContainer {
  /// A count or a time: no report of ours has a negative one, nor one whose sums overflow.
  fileprivate func number(_ key: Key, below limit: Int64 = 1 << 60) throws -> Int64 {
    let value = try decode(Int64.self, forKey: key)
    guard value >= 0, value < limit else { throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "out of range") }
    return value
  }

  /// Seeds, and how often each ran; older reports do not say the latter.
  fileprivate func series(_ seeds: Key, _ repeats: Key) throws -> RunSeries {
    let range = try decode(JSONSeeds.self, forKey: seeds).range
    let count = Int(contains(repeats) ? try number(repeats, below: 1 << 28) : 1)
    guard count > 1 else { return .seeds(range) }
    guard range.lowerBound == range.upperBound else {
      throw DecodingError.dataCorruptedError(forKey: repeats, in: self, debugDescription: "several seeds are not repeated")
    }
    return .repeats(count, seed: range.lowerBound)
  }

  /// A number of 64 bits, which JSON has as a text.
  fileprivate func seed(_ key: Key) throws -> UInt64 {
    guard let value = UInt64(try decode(String.self, forKey: key)) else {
      throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: "not a seed")
    }
    return value
  }
}

private struct JSONScenario: Decodable {
  let result: ScenarioResult

  private enum Key: String, CodingKey {
    case name, file, summary, proves, seed, sweep, verdict, reason, durationNanoseconds, elapsedNanoseconds, packets, hosts, captures
    case findings, inspect, live, proof
  }

  private struct Proof: Decodable {
    struct Item: Decodable {
      var rule: String
      var setting: String?
      var standing: PolicyProof.Standing
      var text: String
      var count: Int
      var reason: String?
    }

    var seenFrom: String
    var observers: [Item]

    var proof: PolicyProof {
      PolicyProof(
        observers.map {
          PolicyProof.Item(
            rule: $0.rule, setting: $0.setting ?? "", standing: $0.standing, text: $0.text, count: $0.count, reason: $0.reason ?? "")
        }, isOneSided: seenFrom == "one side")
    }
  }

  private struct Sweep: Decodable {
    let sweep: SeedSweep

    private enum Key: String, CodingKey { case seeds, repeats, ran, passed, failing }

    init(from decoder: any Decoder) throws {
      let fields = try decoder.container(keyedBy: Key.self)
      sweep = SeedSweep(
        try fields.series(.seeds, .repeats), ran: Int(try fields.number(.ran, below: 1 << 32)),
        passed: Int(try fields.number(.passed, below: 1 << 32)),
        failing: try fields.decode([String].self, forKey: .failing).compactMap { UInt64($0) })
    }
  }

  private struct Place: Decodable {
    var member: String
    var address: String
    var here: String
    var product: String?
    var peerFile: String?

    func place() throws -> LivePlace {
      guard let given = IPAddress(address), let here = IPAddress(here) else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "not an address"))
      }
      return LivePlace(member: member, given: given, here: here, product: product, file: peerFile)
    }
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    func text(_ key: Key) throws -> String { try fields.decode(String.self, forKey: key) }
    let hosts = try fields.decode([String].self, forKey: .hosts)
    var result = ScenarioResult(
      name: try text(.name), file: try text(.file), summary: try text(.summary), proves: try fields.decode([String].self, forKey: .proves),
      seed: try fields.seed(.seed), verdict: try fields.decode(Verdict.self, forKey: .verdict),
      reason: try fields.decodeIfPresent(String.self, forKey: .reason), duration: .nanoseconds(try fields.number(.durationNanoseconds)),
      elapsed: .nanoseconds(try fields.number(.elapsedNanoseconds, below: 1 << 50)), hosts: hosts,
      packets: Int(try fields.number(.packets, below: 1 << 40)),
      folder: try fields.decodeIfPresent(String.self, forKey: .captures))
    for finding in try fields.decode([JSONFinding].self, forKey: .findings) { result.add(finding) }
    result.inspected = try fields.decodeIfPresent([String].self, forKey: .inspect) ?? []
    result.proof = try fields.decodeIfPresent(Proof.self, forKey: .proof)?.proof
    result.live = try fields.decodeIfPresent([Place].self, forKey: .live)?.map { try $0.place() }
    result.sweep = try fields.decodeIfPresent(Sweep.self, forKey: .sweep)?.sweep
    self.result = result
  }
}

private struct JSONFinding: Decodable {
  var file: String
  var line: Int
  var rule: String
  var expected: String
  var observed: String
  var because: [String]
  var count: Int
  var frame: String?
  var frameAtNanoseconds: Int64?
  var message: String?
  var direction: String?
  var capture: String?
  var step: String
  var atNanoseconds: Int64
}

extension ScenarioResult {
  fileprivate mutating func add(_ read: JSONFinding) {
    var finding = Finding(rule: read.rule, expected: read.expected, observed: read.observed, evidence: citation(read.frame))
    finding.place = SourcePlace(file: read.file, line: read.line)
    finding.step = read.step
    finding.because = read.because.map(Cause.reported)
    finding.count = read.count
    finding.at = Instant(nanoseconds: read.atNanoseconds)
    if let frame = finding.evidence {
      if let message = read.message, let at = read.frameAtNanoseconds, let direction = read.direction.flatMap(Exhibit.Direction.init) {
        finding.exhibit = Exhibit(frame, at: Instant(nanoseconds: at), direction, message)
      }
      if let capture = read.capture { setCapture(capture, of: Int(frame.host.rawValue)) }
    }
    findings.append(finding)
  }

  /// A report names captures where findings cite them.
  private mutating func setCapture(_ path: String, of host: Int) {
    while captures.count < hosts.count { captures.append("") }
    captures[host] = path
  }

  /// `host#frame`.
  private func citation(_ text: String?) -> FrameCitation? {
    guard let text, let mark = text.lastIndex(of: "#"), let frame = UInt32(text[text.index(after: mark)...]),
      let host = hosts.firstIndex(of: String(text[..<mark])), let number = UInt16(exactly: host)
    else { return nil }
    return FrameCitation(HostID(number), frame)
  }
}
