import Foundation
import SansIO
import SecureTransport

/// `serve` as UAS under `sipp -sn uac`, beside `sipp -sn uas` under the same load: CPU a call, idle subtracted.
enum ServeBench {
  private static let rate = 1_000
  private static let calls = 10_000
  private static let sipp = "/usr/bin/sipp"

  static func run(_ lab: String?, root: String) throws -> [Row] {
    guard let lab else { return [] }
    guard FileManager.default.isExecutableFile(atPath: sipp) else {
      return [Row(name: "serve under sipp: sipp is not installed", value: 0, unit: "")]
    }
    let arguments = ["serve", "--config", "\(root)/fixtures/policies/open.yaml", "--listen", "udp 127.0.0.1:5960", "--quiet"]
    let ours = try measure([lab] + arguments + ["--no-judge"], load: .datagrams(to: 5_960))
    let judged = try measure([lab] + arguments, load: .datagrams(to: 5_960))
    let theirs = try measure([sipp, "-sn", "uas", "-i", "127.0.0.1", "-p", "5961", "-nostdin"], load: .datagrams(to: 5_961))
    return [
      Row(
        name: "serve under \(rate) calls/s: failed calls", value: Double(ours.failed + judged.failed), unit: "", bar: 0, isCeiling: true),
      Row(name: "  CPU a call", value: ours.cost.whole, unit: "µs", note: ours.cost.parts),
      Row(name: "  CPU a call of sipp -sn uas", value: theirs.cost.whole, unit: "µs", note: theirs.cost.parts),
      Row(name: "  CPU a call, its packets judged", value: judged.cost.whole, unit: "µs", note: judged.cost.parts),
      Row(name: "  ours over sipp's", value: ours.cost.whole / theirs.cost.whole, unit: "×", bar: 1.7, isCeiling: true, note: "aim 1.0"),
    ]
  }

  /// The same over TLS with a connection and a whole handshake for each call, both servers with the same certificate. Debian 12's sipp
  /// has no TLS: `sipp` is the command of one that has.
  static func tls(_ lab: String?, sipp: [String], root: String) throws -> [Row] {
    guard let lab else { return [] }
    guard !sipp.isEmpty else { return [Row(name: "serve over TLS: --sipp gives no sipp with TLS", value: 0, unit: "")] }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-tls-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let made = try LabCertificates.make(names: ["sip.kallglot.com"], addresses: [], entropy: .system, epoch: .virtual)
    let (certificate, key) = ("\(folder)/server.pem", "\(folder)/server-key.pem")
    try made.certificate.text.write(toFile: certificate, atomically: true, encoding: .utf8)
    try made.privateKey.text.write(toFile: key, atomically: true, encoding: .utf8)
    let open = try String(contentsOfFile: "\(root)/fixtures/policies/open.yaml", encoding: .utf8)
    try (open + "\ncertificate: \(certificate)\nprivateKey: \(key)\n").write(
      toFile: "\(folder)/serve.yaml", atomically: true, encoding: .utf8)
    let arguments = [lab, "serve", "--config", "\(folder)/serve.yaml", "--listen", "tls 127.0.0.1:5966", "--quiet"]
    let more = ["-t", "ln", "-max_socket", "4000", "-tls_cert", certificate, "-tls_key", key]
    func load(_ port: Int) -> Load { Load(sipp: sipp, port: port, rate: 100, calls: 2_000, more: more) }
    let ours = try measure(arguments + ["--no-judge"], load: load(5_966))
    let judged = try measure(arguments, load: load(5_966))
    let theirs = try measure(sipp + ["-sn", "uas", "-i", "127.0.0.1", "-p", "5967", "-nostdin"] + more, load: load(5_967))
    return [
      Row(
        name: "serve over TLS, a handshake a call: failed calls", value: Double(ours.failed + judged.failed + theirs.failed), unit: "",
        bar: 0, isCeiling: true),
      Row(name: "  CPU a call", value: ours.cost.whole, unit: "µs", note: ours.cost.parts),
      Row(name: "  CPU a call of sipp -sn uas", value: theirs.cost.whole, unit: "µs", note: theirs.cost.parts),
      Row(name: "  CPU a call, its packets judged", value: judged.cost.whole, unit: "µs", note: judged.cost.parts),
      Row(name: "  ours over sipp's", value: ours.cost.whole / theirs.cost.whole, unit: "×", bar: 1.0, isCeiling: true, note: "an aim"),
    ]
  }

  /// User instructions a call of `serve` under `sipp -sn uac`: what many calls take beyond few.
  static func instructions(_ lab: String, root: String) throws -> [Row] {
    guard FileManager.default.isExecutableFile(atPath: sipp) else { return [] }
    func count(_ calls: Int) throws -> Int {
      let server = try Callgrind([
        lab, "serve", "--config", "\(root)/fixtures/policies/open.yaml", "--listen", "udp 127.0.0.1:5963", "--quiet",
        "--no-judge",
      ])
      // Ten times slower than alone, at least.
      for _ in 0..<300 where !isBound(5_963) { Thread.sleep(forTimeInterval: 0.1) }
      let client = Process()
      client.executableURL = URL(fileURLWithPath: sipp)
      client.arguments = [
        "-sn", "uac", "127.0.0.1:5963", "-i", "127.0.0.1", "-p", "5964", "-r", "20", "-m", "\(calls)", "-nostdin", "-timeout", "60",
      ]
      client.standardOutput = FileHandle.nullDevice
      client.standardError = FileHandle.nullDevice
      try client.run()
      client.waitUntilExit()
      server.interrupt()
      return try server.collect()
    }
    let (few, many) = (try count(50), try count(150))
    return [
      Row(name: "serve under sipp: user instructions a call", value: Double(many - few) / 100 / 1e3, unit: "thousand", note: "aim 200")
    ]
  }

  /// Whether a UDP socket has this port on the loopback (proc(5)).
  private static func isBound(_ port: Int) -> Bool {
    let table = (try? String(contentsOfFile: "/proc/net/udp", encoding: .utf8)) ?? ""
    return table.contains("0100007F:" + String(port, radix: 16, uppercase: true))
  }

  /// Microseconds of a call, or seconds of a process.
  private struct Cost {
    var user = 0.0
    var system = 0.0

    var whole: Double { user + system }
    var parts: String { String(format: "user %.0f, system %.0f", user, system) }

    static func - (left: Cost, right: Cost) -> Cost { Cost(user: left.user - right.user, system: left.system - right.system) }
    static func * (cost: Cost, factor: Double) -> Cost { Cost(user: cost.user * factor, system: cost.system * factor) }
  }

  /// What `sipp -sn uac` calls.
  private struct Load {
    var sipp = [ServeBench.sipp]
    var port: Int
    var rate = ServeBench.rate
    var calls = ServeBench.calls
    var more = ["-p", "5962", "-l", "2000"]

    static func datagrams(to port: Int) -> Load { Load(port: port) }

    /// Its standard output, when all calls have ended.
    func run() throws -> String {
      let client = ServeBench.process(
        sipp + ["-sn", "uac", "127.0.0.1:\(port)", "-i", "127.0.0.1", "-r", "\(rate)", "-m", "\(calls)", "-nostdin", "-timeout", "90"]
          + more)
      let pipe = Pipe()
      client.standardOutput = pipe
      try client.run()
      let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      client.waitUntilExit()
      return output
    }
  }

  private static func process(_ command: [String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    return process
  }

  private static func measure(_ command: [String], load: Load) throws -> (failed: Int, cost: Cost) {
    let server = process(command)
    try server.run()
    defer {
      server.interrupt()
      server.waitUntilExit()
    }
    Thread.sleep(forTimeInterval: 1)
    let idleStart = cpu(server.processIdentifier)
    Thread.sleep(forTimeInterval: 2)
    let idle = (cpu(server.processIdentifier) - idleStart) * 0.5
    let begin = cpu(server.processIdentifier)
    let clock = Date()
    let output = try load.run()
    let elapsed = Date().timeIntervalSince(clock)
    let used = cpu(server.processIdentifier) - begin - idle * elapsed
    let failed = output.split(separator: "\n").last { $0.contains("Failed call") }?.split(separator: "|").last.flatMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    return (failed ?? load.calls, used * (1e6 / Double(load.calls)))
  }

  /// User and system seconds of a process (proc(5)).
  private static func cpu(_ pid: Int32) -> Cost {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let close = stat.lastIndex(of: ")") else {
      return Cost()
    }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return Cost() }
    return Cost(user: user, system: system) * (1 / Double(sysconf(Int32(_SC_CLK_TCK))))
  }
}
