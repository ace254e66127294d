import ArgumentParser
import Capture
import Foundation
import Inspection
import SansIO

/// `kallglot-lab inspect`: what is in a capture.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Report what is in a capture: dialogs, registrations, RTP, and what is wrong.",
    discussion: """
      Reads pcap and pcapng from any tool, truncated files as far as they go. TLS is decrypted where the capture carries its secrets, or \
      with --keylog:
        kallglot-lab inspect out/basic/answered-udp/pbx.pcapng
        kallglot-lab inspect trunk.pcap --keylog keys.txt --filter 7a1b@pbx

      Exit codes: 0 every file could be read; 2 bad input, or a file is missing or not a capture.
      """)

  @Argument(help: "Capture files: pcap or pcapng.")
  var files: [String]

  @Flag(help: "One JSON document (schema version 1) instead of text.")
  var json = false

  @Option(help: ArgumentHelp("Only dialogs and registrations whose Call-ID contains this.", valueName: "call-id"))
  var filter: String?

  @Flag(name: .customLong("no-ladder"), help: "Leave out the ladders.")
  var noLadder = false

  @Option(help: "Columns of the text.")
  var width: Int = 120

  @Option(help: "File with TLS secrets, as SSLKEYLOGFILE makes it.")
  var keylog: String?

  func run() throws {
    guard width >= 60, width <= 1_000 else { throw Complaint("--width is \(width), expected 60 to 1000") }
    let inspector = Inspector(secrets: try secrets())
    let style = InspectionReport.Style(width: width, hasLadders: !noLadder, filter: filter)
    var reports: [InspectionReport] = []
    for (position, file) in files.enumerated() {
      let report = try Self.read(file, inspector)
      if json {
        reports.append(report)
      } else {
        say(
          (position == 0 ? [] : ["", String(repeating: "=", count: width), ""]).joined(separator: "\n")
            + report.text(style).joined(separator: "\n"))
      }
    }
    if json { Console.write(InspectionReport.json(reports, style)) }
  }

  private func secrets() throws -> [Bytes] {
    guard let keylog else { return [] }
    guard let data = FileManager.default.contents(atPath: keylog) else { throw Complaint("the file \(keylog) cannot be read") }
    return [Bytes([UInt8](data))]
  }

  private static func read(_ file: String, _ inspector: Inspector) throws -> InspectionReport {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: file, isDirectory: &isFolder), isFolder.boolValue {
      throw Complaint("\(file) is a folder, expected a pcap or pcapng file")
    }
    do { return try inspector.inspect(path: file) } catch {
      switch error.rule {
      case .unreadable(let failure): throw Complaint(failure.description)
      case .notACapture: throw Complaint("\(file) is neither pcapng nor pcap\(hint(file))")
      default: throw Complaint("\(file) cannot be read: \(error)")
      }
    }
  }

  /// What else a file may be that people take for a capture.
  private static func hint(_ file: String) -> String {
    guard let handle = FileHandle(forReadingAtPath: file) else { return "" }
    let head = (try? handle.read(upToCount: 4)) ?? Data()
    if head.isEmpty { return "; it is empty" }
    if head.starts(with: [0x1F, 0x8B]) { return "; it is compressed: gunzip it first" }
    if head.starts(with: Array("snoo".utf8)) { return "; it is a snoop file: convert it with editcap -F pcapng" }
    return ""
  }
}
