import Foundation

/// What `inspect --json` says of one file, as far as tshark says it too.
struct OwnReading: Decodable {
  struct Document: Decodable {
    var files: [OwnReading]
  }

  struct Messages: Decodable {
    var total: Int
    var unreadable: Int
    var requests: [String: Int]
    var responses: [String: Int]
  }

  struct Unread: Decodable {
    /// By why they were not read.
    var frames: [String: Int]
    var closedTLSBytes: Int
    var missingStreamBytes: Int
    var incompleteFragments: Int
    var cutFrames: Int
  }

  struct Stream: Decodable {
    var source: String
    var destination: String
    var ssrc: UInt32
    var signalled: Bool
    var packets: Int
    var lost: Int
    var maxDelta: Double
    /// nil where the clock is not known.
    var meanJitter: Double?
    var maxJitter: Double?
    var differsFromWireshark: [String]
  }

  struct Dialog: Decodable {
    var transports: [String]
  }

  struct Finding: Decodable {
    var text: String
  }

  /// A registration, or keep-alives between two hosts.
  struct Exchange: Decodable {
    var transport: String
  }

  var frames: Int
  var capturedTwice: Int
  /// Seconds from the first frame to the last.
  var duration: Double
  var problem: String?
  var messages: Messages
  var unread: Unread
  var streams: [Stream]
  var dialogs: [Dialog]
  var registrations: [Exchange]
  var options: [Exchange]
  var findings: [Finding]

  /// Whether SIP came over TCP or TLS.
  var hasStreamTransport: Bool {
    (dialogs.flatMap(\.transports) + (registrations + options).map(\.transport)).contains { $0 == "tcp" || $0 == "tls" }
  }

  /// - Throws: what the program complains of, in its first line.
  static func read(_ file: String, program: String, folder: Folder) throws(ReadingFailure) -> OwnReading {
    let output: ProgramOutput
    do { output = try ProgramOutput.of(program, ["inspect", "--json", "--no-ladder", file], folder: folder) } catch {
      throw ReadingFailure(reason: "\(program) cannot be run: \(error)")
    }
    do {
      let document = try JSONDecoder().decode(Document.self, from: Data(output.text.utf8))
      if let reading = document.files.first { return reading }
    } catch {}
    let complaint = output.errors.split(separator: "\n").first.map(String.init) ?? "it ended with \(output.status)"
    throw ReadingFailure(reason: "inspect: \(complaint)")
  }
}

struct ReadingFailure: Error {
  var reason: String
}

/// What a program has written.
struct ProgramOutput {
  var text: String
  var errors: String
  var status: Int32

  /// Runs it to its end, in UTC and without the settings of a user.
  static func of(_ program: String, _ arguments: [String], folder: Folder) throws -> ProgramOutput {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ["HOME": folder.path, "LC_ALL": "C.UTF-8", "TZ": "UTC"]
    let names = (folder.file("output-\(UUID().uuidString)"), folder.file("errors-\(UUID().uuidString)"))
    for name in [names.0, names.1] { _ = FileManager.default.createFile(atPath: name, contents: nil) }
    defer { for name in [names.0, names.1] { try? FileManager.default.removeItem(atPath: name) } }
    process.standardOutput = FileHandle(forWritingAtPath: names.0)
    process.standardError = FileHandle(forWritingAtPath: names.1)
    try process.run()
    process.waitUntilExit()
    func text(_ name: String) -> String { String(decoding: FileManager.default.contents(atPath: name) ?? Data(), as: UTF8.self) }
    return ProgramOutput(text: text(names.0), errors: text(names.1), status: process.terminationStatus)
  }
}

/// A folder that is gone with its owner.
final class Folder {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("lab-foreign-\(UUID().uuidString)").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}
