import CAllocationCount
import CallControl
import Capture
import Foundation
import Kallglot
import Media
import SDP
import SansIO

/// What one virtual call with digest costs beside time: figures that no other program on the machine disturbs.
enum CostBench {
  /// Calls placed one after another, each to its end, without taps.
  ///
  /// - Returns: blocks of memory taken by the last `count` of them, for each.
  static func allocations(calls count: Int) -> Double {
    let rig = CallRig(sinks: [], sendsMedia: false, cap: 10)
    // Tables have their size then, and nonces their turnover.
    place(600, with: rig)
    let before = allocation_count()
    place(count, with: rig)
    return Double(allocation_count() - before) / Double(count)
  }

  /// The same calls for a counter outside of the program, on wish with journal and capture.
  static func place(calls count: Int, hasTaps: Bool) {
    let sinks: [any JournalSink] = hasTaps ? [CaptureSink(.discarded), JournalFile(path: "/dev/null")] : []
    place(count, with: CallRig(sinks: sinks, sendsMedia: false, cap: 10))
  }

  private static func place(_ count: Int, with rig: CallRig) {
    var ended = 0
    rig.simulation.onEvent = { host, event in
      guard host == rig.callerID, let event = event as? CallAgentEvent else { return }
      if case .established(let leg, _) = event { rig.perform(.hangUp(leg)) }
      if case .ended = event { ended += 1 }
    }
    for _ in 0..<count {
      rig.call()
      rig.simulation.run(until: rig.simulation.now.advanced(by: .seconds(40)))
    }
    rig.simulation.onEvent = nil
    precondition(ended == count, "only \(ended) of \(count) calls ended")
  }

  /// A stream that sends a tone and hears it.
  ///
  /// - Returns: blocks of memory taken for each packet, sent and received.
  static func streamAllocations(packets count: Int) -> (sent: Double, received: Double) {
    let place = TransportAddress(IPAddress(v4: 0xC000_0201), port: 20_000)
    let agreement = AudioAgreement(
      codec: .pcmu, local: place, remote: place, remoteControl: place, direction: .sendrecv, sendPayloadType: 0, receivePayloadType: 0,
      packetTime: 20)
    var stream = MediaStream(
      .init(cname: "bench", rtpPort: PortID(1), rtcpPort: PortID(2), dialog: 1, epoch: .virtual), agreement: agreement,
      entropy: Entropy(seed: 1))
    var out = Outbox()
    stream.handle(.start, at: .zero, &out)
    stream.handle(.play(.tone(Tone(frequency: 440)), until: nil), at: .zero, &out)
    var (sent, received) = (UInt64(0), UInt64(0))
    for index in 0..<count + 100 {
      let now = Instant(nanoseconds: Int64(index + 1) * 20_000_000)
      let before = allocation_count()
      stream.wake(at: now, &out)
      let middle = allocation_count()
      guard case .datagram(PortID(1), to: _, let packet, _)? = out.departures.first else { continue }
      let arrival = Arrival.datagram(PortID(1), from: place, packet)
      let after = allocation_count()
      stream.receive(arrival, at: now, &out)
      // What was needed once is there by then.
      if index >= 100 { (sent, received) = (sent + UInt64(middle - before), received + UInt64(allocation_count() - after)) }
      _ = stream.takeEvents()
      out.removeAll()
    }
    return (Double(sent) / Double(count), Double(received) / Double(count))
  }

  static func run(_ lab: String?, root: String) throws -> [Row] {
    var rows = [
      Row(name: "virtual call with digest, taps off: allocations a call", value: allocations(calls: 400), unit: "", note: "aim 150")
    ]
    // A figure that cannot be had leaves the others alone.
    do { rows += try instructions(lab, root: root) } catch { rows.append(Row(name: "  instructions a call: \(error)", value: 0, unit: "")) }
    return rows
  }

  private static func instructions(_ lab: String?, root: String) throws -> [Row] {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let few = try Callgrind.instructions([own, "--place-calls", "100"])
    let many = try Callgrind.instructions([own, "--place-calls", "300"])
    let row = Row(name: "  instructions a call", value: Double(many - few) / 200 / 1e3, unit: "thousand", note: "aim 250")
    let tapped = try Callgrind.instructions([own, "--place-calls", "300", "--taps"])
    let fewTapped = try Callgrind.instructions([own, "--place-calls", "100", "--taps"])
    let taps = Row(name: "  the same with taps, journal and capture", value: Double(tapped - fewTapped) / 200 / 1e3, unit: "thousand")
    return try [row, taps] + (lab.map { try ServeBench.instructions($0, root: root) } ?? [])
  }
}

/// Counts user instructions (valgrind's callgrind).
struct Callgrind {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private static let program = "/usr/bin/valgrind"

  private let process = Process()
  private let pipe = Pipe()

  /// Starts a program under it.
  init(_ command: [String]) throws {
    guard FileManager.default.isExecutableFile(atPath: Self.program) else { throw Failure(description: "valgrind is not installed") }
    process.executableURL = URL(fileURLWithPath: Self.program)
    process.arguments = ["--tool=callgrind", "--callgrind-out-file=/dev/null"] + command
    process.standardOutput = FileHandle.nullDevice
    process.standardError = pipe
    try process.run()
  }

  func interrupt() { process.interrupt() }

  /// Waits for its end; the instructions of the whole run.
  func collect() throws -> Int {
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard let line = text.split(separator: "\n").first(where: { $0.contains("Collected :") }),
      let count = line.split(separator: " ").last.flatMap({ Int($0) })
    else {
      throw Failure(description: "valgrind counted nothing; it reads stripped programs alone, as make bench builds them")
    }
    return count
  }

  static func instructions(_ command: [String]) throws -> Int { try Callgrind(command).collect() }
}
