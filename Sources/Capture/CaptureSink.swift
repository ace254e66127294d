import SansIO

/// Where captures go.
public enum CaptureTarget: Hashable, Sendable {
  /// One file a host in this folder, which is made when it is missing.
  case folder(String)
  /// Kept in memory, for tests and comparisons.
  case memory
  /// Made and thrown away, to measure what making it costs.
  case discarded
}

/// One pcapng a host: the packets it sent and received, in order, so that frame `n` of the file is `host#n`.
///
/// Packets stream out; only findings wait for the end, when the files they cite are copied once with the added comments.
public final class CaptureSink: JournalSink {
  /// Citations kept for the second pass; a run with more findings than this has one cause.
  public static let citationLimit = 10_000

  private struct Entry {
    var host: HostID
    var name: String
    var fileName: String
    var file: CaptureFile
    /// It passes on what others protect: their secrets open its capture.
    var isForwarder = false
    /// What the second pass made of it, for captures in memory.
    var annotated: Bytes?
  }

  private let target: CaptureTarget
  private let epoch: Epoch
  private let options: CaptureOptions
  private let redactor: (() -> any PacketRedactor)?
  @exclusivity(unchecked) private var entries: [Entry] = []
  /// Position in `entries` by host number; hosts are numbered from 0 in the order they join.
  @exclusivity(unchecked) private var positions: [Int32] = []
  private var findings: [(text: String, frame: FrameCitation)] = []
  private var isFinished = false

  /// The first thing that went wrong with a file; the run goes on without it.
  public private(set) var failure: CaptureFailure?
  /// Citations beyond ``citationLimit``, which no frame shows.
  public private(set) var droppedCitations = 0

  /// - Parameter redactor: makes one for each host's file; nil = packets are written as they are.
  public init(
    _ target: CaptureTarget, epoch: Epoch = .virtual, options: CaptureOptions = CaptureOptions(),
    redactor: (() -> any PacketRedactor)? = nil
  ) {
    self.redactor = redactor
    self.target = target
    self.epoch = epoch
    self.options = options
    if case .folder(let path) = target { failure = FileSystem.createFolder(path) }
  }

  public func hostAdded(_ host: HostID, name: String) {
    guard position(of: host) == nil, host != .stage, !isFinished else { return }
    let fileName = Self.fileName(for: name, taken: entries.map(\.fileName))
    let output: ByteOutput
    switch target {
    case .folder(let path): output = ByteOutput(path: "\(path)/\(fileName)")
    case .memory: output = ByteOutput()
    case .discarded: output = ByteOutput(path: "/dev/null")
    }
    let file = CaptureFile(output, interface: name, epoch: epoch, options: options, redactor: redactor?())
    while positions.count <= Int(host.rawValue) { positions.append(-1) }
    positions[Int(host.rawValue)] = Int32(entries.count)
    entries.append(Entry(host: host, name: name, fileName: fileName, file: file))
    if failure == nil { failure = output.failure }
  }

  public func forwards(_ host: HostID) { if let position = position(of: host) { entries[position].isForwarder = true } }

  public func packet(_ packet: PacketRecord) {
    guard let position = position(of: packet.host) else { return unknown(packet) }
    entries[position].file.append(packet)
  }

  public func record(_ record: JournalRecord) {
    switch record.body {
    case .secret(let line):
      if let position = position(of: record.host) { entries[position].file.append(line) }
      for entry in entries where entry.isForwarder { entry.file.append(line) }
    case .finding(let text, let frames):
      let kept = frames.prefix(Self.citationLimit - findings.count)
      for frame in kept { findings.append((text, frame)) }
      droppedCitations += frames.count - kept.count
    case .event, .step, .bound, .unbound, .bindFailed, .note, .plaintext:
      break
    }
  }

  public func finish(at now: Instant) {
    guard !isFinished else { return }
    isFinished = true
    for position in entries.indices {
      entries[position].file.close(at: now)
      annotate(position)
      if failure == nil { failure = entries[position].file.failure }
    }
  }

  @inline(__always)
  private func position(of host: HostID) -> Int? {
    guard Int(host.rawValue) < positions.count else { return nil }
    let position = positions[Int(host.rawValue)]
    return position < 0 ? nil : Int(position)
  }

  /// A packet of a host that never joined still belongs in a file.
  private func unknown(_ packet: PacketRecord) {
    guard packet.host != .stage, !isFinished else { return }
    hostAdded(packet.host, name: "host-\(packet.host.rawValue)")
    self.packet(packet)
  }
}

extension CaptureSink {
  /// The paths of the files, in the order the hosts joined; empty for captures in memory.
  public var paths: [String] { entries.map(\.file.output.path).filter { !$0.isEmpty } }

  /// A host's capture in memory: complete after ``finish(at:)``; nil for an unknown host and for captures in a folder.
  public func bytes(of host: HostID) -> Bytes? {
    guard case .memory = target, let position = position(of: host) else { return nil }
    return entries[position].annotated ?? entries[position].file.output.bytes
  }

  /// How many packets a host's capture holds.
  public func frames(of host: HostID) -> UInt32 { position(of: host).map { entries[$0].file.frames } ?? 0 }

  private func annotate(_ position: Int) {
    let entry = entries[position]
    guard entry.file.failure == nil else { return }
    var comments: [UInt32: [String]] = [:]
    for finding in findings where finding.frame.host == entry.host {
      comments[finding.frame.frame &- entry.file.firstFrame &+ 1, default: []].append(finding.text)
    }
    guard !comments.isEmpty else { return }
    do {
      switch target {
      case .discarded: break
      case .memory:
        let output = ByteOutput()
        try PcapngRewriting.addComments(comments, from: ByteInput(entry.file.output.bytes), to: output)
        entries[position].annotated = output.bytes
      case .folder:
        try PcapngRewriting.replace(entry.file.output.path) { input, output throws(CaptureReadError) in
          try PcapngRewriting.addComments(comments, from: input, to: output)
        }
      }
    } catch {
      guard failure == nil, case .unreadable(let cause) = error.rule else { return }
      failure = cause
    }
  }

  /// `<name>.pcapng`, with only letters, digits, `.`, `_` and `-` of the name, and a number where two names become one.
  static func fileName(for name: String, taken: [String]) -> String {
    var base = String(
      name.unicodeScalars.map { scalar -> Character in
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", ".", "_", "-": Character(scalar)
        default: "-"
        }
      }.prefix(100))
    if base.first == "." { base = "_" + base.dropFirst() }
    if base.isEmpty { base = "host" }
    let folded = taken.map { $0.lowercased() }
    var candidate = "\(base).pcapng"
    var number = 2
    while folded.contains(candidate.lowercased()) {
      candidate = "\(base)-\(number).pcapng"
      number += 1
    }
    return candidate
  }
}
