import Foundation
import Glibc

/// A running `kallglot-lab serve`, looked at from outside (proc(5)).
final class Served {
  static let port: UInt16 = 5_060
  static let securePort: UInt16 = 5_061

  private let process = Process()
  private let program: String
  private let folder: URL
  /// Its own words; kept for a failure's report.
  private var log: URL { folder.appendingPathComponent("serve.txt") }

  /// - Parameters:
  ///   - policy: lines of its configuration.
  ///   - descriptors: the limit it has to live with (`ulimit -n`).
  init(_ program: String, policy: String, descriptors: Int?) throws {
    self.program = program
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-abuse-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let account = "account: { username: acme, password: hunter2 }\n"
    try (policy + account).write(to: folder.appendingPathComponent("serve.yaml"), atomically: true, encoding: .utf8)
    try "username: acme\npassword: hunter2\naddress: 127.0.0.1\n".write(
      to: folder.appendingPathComponent("call.yaml"), atomically: true, encoding: .utf8)
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    let limit = descriptors.map { "ulimit -n \($0); " } ?? ""
    // It ends with this program, however that ends (setpriv(1)).
    // What a judge keeps of ended calls for 32 s would hide what they leave behind.
    process.arguments = [
      "-c",
      "\(limit)exec setpriv --pdeathsig INT -- \"$0\" serve --no-judge --config \"$1/serve.yaml\" --out \"$1/out\" "
        + "--state \"$1/state.json\"",
      program, folder.path,
    ]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: log)
    process.standardError = process.standardOutput
    try process.run()
    try awaitReady()
  }

  private func awaitReady() throws {
    for _ in 0..<200 {
      if ((try? String(contentsOf: log, encoding: .utf8)) ?? "").contains("ready;") { return }
      guard process.isRunning else { break }
      usleep(50_000)
    }
    throw Failure("serve did not come up:\n\(tail)")
  }

  struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
  }

  var isRunning: Bool { process.isRunning }

  var descriptors: Int { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd").count) ?? -1 }

  /// Calls that are up or being set up, by its own status.json; -1 when that cannot be read.
  var liveCalls: Int {
    let path = folder.appendingPathComponent("out/status.json").path
    let status = FileManager.default.contents(atPath: path).flatMap { try? JSONSerialization.jsonObject(with: $0) } as? [String: Any]
    return (status?["calls"] as? [Any])?.count ?? -1
  }

  /// Resident memory in kilobytes.
  var residentKilobytes: Int {
    let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? -1
  }

  /// The last lines it logged.
  var tail: String {
    ((try? String(contentsOf: log, encoding: .utf8)) ?? "").split(separator: "\n").suffix(12).joined(separator: "\n")
  }

  /// Files it left that hold nothing.
  var emptyFiles: [String] {
    let out = folder.appendingPathComponent("out").path
    return ((try? FileManager.default.contentsOfDirectory(atPath: out)) ?? []).filter { name in
      (try? FileManager.default.attributesOfItem(atPath: "\(out)/\(name)")[.size] as? Int) == 0
    }
  }

  /// Places a call over a transport with `kallglot-lab call`; what it said when it was not answered, else nil.
  func callFailure(_ transport: String) -> String? {
    let caller = Process()
    caller.executableURL = URL(fileURLWithPath: program)
    let port = transport == "tls" ? Self.securePort : Self.port
    caller.arguments = [
      "call", "sip:anybody@127.0.0.1:\(port);transport=\(transport)", "--for", "200 ms", "--config",
      folder.appendingPathComponent("call.yaml").path,
    ]
    let pipe = Pipe()
    (caller.standardOutput, caller.standardError, caller.standardInput) = (pipe, pipe, FileHandle.nullDevice)
    do { try caller.run() } catch { return "\(error)" }
    let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    caller.waitUntilExit()
    return caller.terminationStatus == 0 ? nil : "\(transport): \(said.split(separator: "\n").suffix(3).joined(separator: " / "))"
  }

  /// Ends it, by its own process id, and takes its folder away.
  func stop() {
    process.interrupt()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }
}
