import Foundation

/// Wireshark's command line, the independent reader beside ours.
enum Tshark {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tshark")

  /// What one of its programs prints; complaints about its user left out.
  static func run(_ program: String, _ arguments: [String], folder: Folder) throws -> String {
    try ProgramOutput.of("/usr/bin/\(program)", arguments, folder: folder).text
  }

  /// One RTP stream as `rtp,streams` prints it.
  struct Stream: Hashable {
    var source: String
    var destination: String
    var ssrc: UInt32
    var packets: Int
    var lost: Int
    var meanDelta: String
    var maximumDelta: String
    var meanJitter: String
    var maximumJitter: String
  }

  /// What tshark says of a file in one run: RTP streams, and SIP messages by method or status.
  static func read(_ path: String, options: [String] = [], folder: Folder) throws -> (streams: Set<Stream>, messages: [String: Int]) {
    let fields = ["-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"]
    // Without the preference tshark loses a TLS stream at a segment that comes again.
    let preferences = ["-o", "tcp.reassemble_out_of_order:TRUE"]
    let lines = try run("tshark", ["-r", path, "-n"] + preferences + options + fields + ["-z", "rtp,streams"], folder: folder).split(
      separator: "\n")
    let table = lines.firstIndex { $0.hasPrefix("=") } ?? lines.count
    var messages: [String: Int] = [:]
    for line in lines[..<table] {
      for word in line.split(whereSeparator: { "\t,".contains($0) }) { messages[String(word), default: 0] += 1 }
    }
    return (Set(lines[table...].compactMap { line in stream(line.split(separator: " ").map(String.init)) }), messages)
  }

  /// Seconds from the first frame to the last; nil where there is none, or the file cannot be read.
  static func duration(_ path: String, folder: Folder) throws -> Double? {
    let line = try run("capinfos", ["-T", "-r", "-M", "-u", path], folder: folder).split(separator: "\n").first
    return line?.split(separator: "\t").last.flatMap { Double($0) }
  }

  /// Start, end, source, port, destination, port, SSRC, payload names, packets, lost, `(%)`, min, mean, max delta, min, mean, max jitter.
  private static func stream(_ words: [String]) -> Stream? {
    guard let percent = words.firstIndex(where: { $0.hasPrefix("(") && $0.hasSuffix("%)") }), percent >= 10, words.count > percent + 6,
      let packets = Int(words[percent - 2]), let lost = Int(words[percent - 1]), let ssrc = UInt32(words[6].dropFirst(2), radix: 16)
    else { return nil }
    return Stream(
      source: "\(words[2]) \(words[3])", destination: "\(words[4]) \(words[5])", ssrc: ssrc, packets: packets, lost: lost,
      meanDelta: words[percent + 2], maximumDelta: words[percent + 3], meanJitter: words[percent + 5], maximumJitter: words[percent + 6])
  }
}
