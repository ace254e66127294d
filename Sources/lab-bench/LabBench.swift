import ArgumentParser
import Foundation
import SansIO

/// `lab-bench`: measures the hot paths beside an oracle, in one run; tables for people, JSON for machines. Never part of a test.
@main
struct LabBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab-bench", abstract: "Measure the Lab's hot paths. Build it in release.",
    discussion: "Pin it to one core (taskset -c 0) for figures of one core.")

  @Option(help: "Only benchmarks whose name contains this text.")
  var filter: String?

  @Option(help: "File for the rows as JSON.")
  var json: String?

  @Option(help: "Folder of the repository, for fixtures and scenarios.")
  var root: String = "."

  @Option(help: "The kallglot-lab to measure under load and on captures; without it those rows are left out.")
  var serve: String?

  @Option(help: "An earlier kallglot-lab to compare inspect with; without it that row is left out.")
  var base: String?

  @Option(help: "Command of a sipp with TLS, its words separated by spaces; without it serve over TLS is left out.")
  var sipp: String = ""

  @Option(help: .hidden)
  var placeCalls: Int?

  @Flag(help: .hidden)
  var taps = false

  func run() throws {
    if let placeCalls { return CostBench.place(calls: placeCalls, hasTaps: taps) }
    #if DEBUG
      print("This is a debug build: its figures mean nothing.")
    #endif
    let all: [(String, () throws -> [Row])] = [
      ("parse", { try ParserBench.run(root: root) }),
      ("packets", { PacketBench.run() }),
      ("calls", { try CallBench.run() }),
      ("costs", { try CostBench.run(serve, root: root) }),
      ("timer-b", { try ScenarioBench.run(root: root) }),
      ("media", { try MediaBench.run() }),
      ("marks", { try MarkBench.run() }),
      ("secure-media", { try SecureMediaBench.run() }),
      ("tls-handshakes", { try HandshakeBench.tls() }),
      ("dtls-handshakes", { try HandshakeBench.dtls() }),
      ("srtp", { try SRTPBench.run() }),
      ("codecs", { CodecBench.run() }),
      ("serve", { try ServeBench.run(serve, root: root) }),
      ("tls-serve", { try ServeBench.tls(serve, sipp: sipp.split(separator: " ").map(String.init), root: root) }),
      ("echo", { try EchoBench.run(serve, root: root) }),
      ("inspect", { try InspectBench.run(serve, base: base) }),
    ]
    var rows: [Row] = []
    for (name, body) in all where filter.map({ name.contains($0) }) ?? true {
      let found = try body()
      for row in found { print(row.line) }
      rows += found
    }
    if let json { try Row.json(rows).write(toFile: json, atomically: true, encoding: .utf8) }
  }
}

/// One measured figure and the bar it is held against.
struct Row {
  var name: String
  var value: Double
  var unit: String
  /// nil = no bar, or not measured.
  var bar: Double?
  /// Whether small is good.
  var isCeiling = false
  var note = ""

  var isMet: Bool? { bar.map { isCeiling ? value <= $0 : value >= $0 } }

  var line: String {
    let figure = value >= 100 ? String(format: "%.0f", value) : String(format: "%.2f", value)
    let verdict = isMet.map { $0 ? "ok  " : "MISS" } ?? "    "
    let limit = bar.map { " (bar \(isCeiling ? "≤" : "≥") \($0 >= 100 ? String(format: "%.0f", $0) : String(format: "%.2f", $0)))" } ?? ""
    let padded = name.padding(toLength: max(58, name.count), withPad: " ", startingAt: 0)
    return "\(verdict) \(padded) \(figure) \(unit)\(limit)\(note.isEmpty ? "" : "  \(note)")"
  }

  static func json(_ rows: [Row]) -> String {
    var json = JSONWriter()
    json.array(.lines) { json in
      for row in rows {
        let members: [(String, JSONValue)] = [
          ("name", .string(row.name)), ("value", .number(row.value)), ("unit", .string(row.unit)),
          ("bar", row.bar.map { .number($0) } ?? .null), ("met", row.isMet.map { .bool($0) } ?? .null),
        ]
        JSONValue.object(members).write(to: &json)
      }
    }
    json.endLine()
    return json.text
  }
}

enum Stopwatch {
  /// Seconds of the processor that the body takes on this thread: what other programs do meanwhile is not counted.
  static func processor(_ body: () throws -> Void) rethrows -> Double {
    func now() -> Double {
      var time = timespec()
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    try body()
    return now() - start
  }

  /// Seconds that the body takes; the best of some rounds, which is the one least disturbed.
  static func best(of rounds: Int = 5, _ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    for _ in 0..<rounds {
      let start = DispatchTime.now().uptimeNanoseconds
      try body()
      best = min(best, Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }
    return best
  }
}
