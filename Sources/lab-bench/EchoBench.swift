import Foundation
import Glibc
import Synchronization

/// `serve` with `audio: echo` under calls that speak, beside an idle timer thread of the same run, and Asterisk's Echo under the same load
/// where the folder that `make asterisk` fills is there.
enum EchoBench {
  private static let legs = 200
  private static let seconds = 20
  private static let (ownPort, asteriskPort): (UInt16, UInt16) = (5_970, 5_972)

  private struct Measured {
    var outcome: EchoLoad.Outcome
    var idle: [Double]
    /// Processor time of the server for a second of one call, in µs.
    var cost: Double
    var megabytes: Double
  }

  static func run(_ lab: String?, root: String) throws -> [Row] {
    guard let lab else { return [] }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-bench-echo-\(getpid())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let open = try String(contentsOfFile: "\(root)/fixtures/policies/open.yaml", encoding: .utf8)
    try (open + "\naudio: echo\ncodecs: [PCMU]\n").write(toFile: "\(folder)/serve.yaml", atomically: true, encoding: .utf8)
    let command = [lab, "serve", "--config", "\(folder)/serve.yaml", "--listen", "udp 127.0.0.1:\(ownPort)", "--quiet"]
    let ours = try measure(command + ["--no-judge"], port: ownPort)
    var rows = own(ours)
    let judged = try measure(command, port: ownPort)
    rows.append(Row(name: "  CPU of a second of a call, its packets judged", value: judged.cost, unit: "µs"))
    guard let asterisk = try asterisk(folder) else {
      return rows + [Row(name: "  Asterisk's Echo: 'make asterisk' has left none", value: 0, unit: "")]
    }
    let theirs = try measure(asterisk, port: asteriskPort)
    rows.append(Row(name: "  CPU of a second of a call of Asterisk's Echo", value: theirs.cost, unit: "µs", note: echoed(theirs)))
    rows.append(
      Row(name: "  ours over Asterisk's", value: ours.cost / theirs.cost, unit: "×", bar: 1.0, isCeiling: true, note: "aim 0.5"))
    return rows
  }

  private static func own(_ ours: Measured) -> [Row] {
    let (late, idle) = (percentile(ours.outcome.lateness), percentile(ours.idle))
    return [
      Row(
        name: "serve with \(legs) echo legs: packets that came back",
        value: Double(ours.outcome.received) / Double(ours.outcome.sent) * 100, unit: "%", bar: 98),
      Row(name: "  send-time error, p99", value: late, unit: "ms", note: String(format: "idle timer thread %.3f ms", idle)),
      Row(name: "  over that of the idle thread", value: late / idle, unit: "×", bar: 2, isCeiling: true),
      Row(name: "  CPU of a second of a call", value: ours.cost, unit: "µs", note: String(format: "%.0f MB", ours.megabytes)),
    ]
  }

  private static func echoed(_ measured: Measured) -> String {
    String(
      format: "%.1f %% came back, p99 %.3f ms", Double(measured.outcome.received) / Double(measured.outcome.sent) * 100,
      percentile(measured.outcome.lateness))
  }

  private static func percentile(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
  }

  private static func measure(_ command: [String], port: UInt16) throws -> Measured {
    let server = Process()
    server.executableURL = URL(fileURLWithPath: command[0])
    server.arguments = Array(command.dropFirst())
    (server.standardOutput, server.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try server.run()
    defer {
      server.terminate()
      server.waitUntilExit()
    }
    for _ in 0..<200 where !isBound(port) { Thread.sleep(forTimeInterval: 0.1) }
    Thread.sleep(forTimeInterval: 1)
    let load = try EchoLoad(server: port, user: "1234")
    try load.place(legs)
    let idle = Mutex<[Double]>([])
    let timer = TimerThread(seconds: seconds - 1)
    let thread = Thread { idle.withLock { $0 = timer.run() } }
    // What comes first makes tables and buffers.
    _ = load.speak(seconds: 2)
    let before = usage(server.processIdentifier)
    thread.start()
    let outcome = load.speak(seconds: seconds)
    let after = usage(server.processIdentifier)
    while !thread.isFinished { Thread.sleep(forTimeInterval: 0.05) }
    return Measured(
      outcome: outcome, idle: idle.withLock { $0 }, cost: (after.seconds - before.seconds) * 1e6 / Double(legs * seconds),
      megabytes: after.megabytes)
  }

  /// proc(5).
  private static func usage(_ pid: Int32) -> (seconds: Double, megabytes: Double) {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), let close = stat.lastIndex(of: ")") else {
      return (0, 0)
    }
    let fields = stat[stat.index(after: close)...].split(separator: " ").map { Double($0) ?? 0 }
    guard fields.count > 21 else { return (0, 0) }
    return ((fields[11] + fields[12]) / Double(sysconf(Int32(_SC_CLK_TCK))), fields[21] * Double(sysconf(Int32(_SC_PAGESIZE))) / 1e6)
  }

  private static func isBound(_ port: UInt16) -> Bool {
    let table = (try? String(contentsOfFile: "/proc/net/udp", encoding: .utf8)) ?? ""
    return table.contains("0100007F:" + String(port, radix: 16, uppercase: true))
  }

  // MARK: - Asterisk

  /// The command that starts one with a configuration in `folder`; nil where there is none.
  private static func asterisk(_ folder: String) throws -> [String]? {
    let environment = ProcessInfo.processInfo.environment
    let root = environment["LAB_ASTERISK_ROOT"] ?? "\(environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")/kallglot-lab/asterisk"
    let files = FileManager.default
    func entries(_ path: String) -> [String] { ((try? files.contentsOfDirectory(atPath: path)) ?? []).sorted().map { "\(path)/\($0)" } }
    guard let libraries = entries("\(root)/usr/lib").first(where: { files.fileExists(atPath: "\($0)/libc.so.6") }),
      let loader = (entries("\(root)/usr/lib64") + entries("\(root)/usr/lib")).first(where: { $0.contains("/ld-linux") })
    else { return nil }
    for place in ["db", "key", "spool", "run", "log"] {
      try files.createDirectory(atPath: "\(folder)/\(place)", withIntermediateDirectories: true)
    }
    for (name, text) in configuration(folder, share: "\(root)/usr/share/asterisk", modules: "\(libraries)/asterisk/modules") {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    return [loader, "--library-path", libraries, "\(root)/usr/sbin/asterisk", "-f", "-C", "\(folder)/asterisk.conf"]
  }

  private static func configuration(_ folder: String, share: String, modules: String) -> [String: String] {
    [
      "asterisk.conf": """
      [directories]
      astetcdir => \(folder)
      astmoddir => \(modules)
      astvarlibdir => \(share)
      astdatadir => \(share)
      astdbdir => \(folder)/db
      astkeydir => \(folder)/key
      astspooldir => \(folder)/spool
      astrundir => \(folder)/run
      astlogdir => \(folder)/log

      """,
      "modules.conf": "[modules]\nautoload=yes\n", "logger.conf": "[logfiles]\n/dev/null => error\n",
      "rtp.conf": "[general]\nrtpstart=31000\nrtpend=31999\n",
      "pjsip.conf": """
      [udp]
      type=transport
      protocol=udp
      bind=127.0.0.1:\(asteriskPort)
      [load]
      type=endpoint
      context=echo
      disallow=all
      allow=ulaw
      [load]
      type=identify
      endpoint=load
      match=127.0.0.1

      """,
      "extensions.conf": "[echo]\nexten => _X.,1,Answer()\n same => n,Echo()\n",
    ]
  }
}
