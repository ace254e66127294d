import ArgumentParser
import Foundation

/// `lab-foreign`: lets `inspect` and tshark read the captures of a folder, and prints where they say different things.
@main
struct LabForeign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab-foreign", abstract: "Compare what 'inspect' and tshark say of captures.",
    discussion: """
      Compared are SIP messages by method and status, RTP streams (packets, lost, max delta, mean and max jitter, in ms) and the time from \
      the first frame to the last. A difference that follows from a rule of either reader, or from a layer that is not read, is printed \
      with that reason and counts as known.

      Exit codes: 0 no differences but known ones; 1 differences; 2 bad input, no captures, or no tshark.
      """)

  @Argument(help: "Captures, and folders with captures at any depth: pcap, pcapng, cap, each also as .gz.")
  var paths: [String]

  @Option(help: "kallglot-lab.")
  var program: String

  func run() throws {
    guard Tshark.isInstalled else { throw fail("tshark is not installed (Debian package tshark)") }
    if let missing = paths.first(where: { !FileManager.default.fileExists(atPath: $0) }) { throw fail("\(missing) is not there") }
    let files = try paths.flatMap(Self.captures)
    guard !files.isEmpty else { throw fail("no pcap, pcapng or cap file in \(paths.joined(separator: ", "))") }
    let folder = Folder()
    var total = Total()
    for file in files {
      let comparison = Comparison.read(file, program: program, folder: folder)
      total.take(comparison)
      for line in comparison.lines { print(line) }
    }
    print(total.line)
    if total.differing > 0 { throw ExitCode(1) }
  }

  private func fail(_ sentence: String) -> ExitCode {
    FileHandle.standardError.write(Data("lab-foreign: \(sentence)\n".utf8))
    return ExitCode(2)
  }

  /// A file as it is named; of a folder all that is named like a capture, in order.
  private static func captures(_ path: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else { return [path] }
    return try FileManager.default.subpathsOfDirectory(atPath: path).sorted().filter(isCapture).map { "\(path)/\($0)" }
  }

  private static func isCapture(_ name: String) -> Bool {
    let plain = name.lowercased().hasSuffix(".gz") ? String(name.dropLast(3)) : name
    return ["pcap", "pcapng", "cap"].contains { plain.lowercased().hasSuffix(".\($0)") }
  }
}

/// Of all files.
struct Total {
  private var same = 0
  private var known = 0
  private(set) var differing = 0

  mutating func take(_ comparison: Comparison) {
    switch comparison.standing {
    case .same: same += 1
    case .known: known += 1
    case .differs: differing += 1
    }
  }

  /// `"63 files: 60 the same, 2 with known differences, 1 with differences"`.
  var line: String {
    let files = same + known + differing
    return "\(files) file\(files == 1 ? "" : "s"): \(same) the same, \(known) with known differences, \(differing) with differences"
  }
}
