import SansIO
import Testing

@testable import Capture

/// Wireshark opens what we write, finds no mistake in it and reads the same numbers.
@Suite(.enabled(if: Tshark.isInstalled, "tshark is not installed"))
struct TsharkTests {
  private let folder = TemporaryFolder()

  /// Every kind of frame: both IP versions, UDP and TCP, odd and even lengths, comments, secrets, the largest datagram.
  private func everything(_ options: CaptureOptions = CaptureOptions()) -> Bytes {
    func tcp(_ sequence: UInt32, _ acknowledgement: UInt32, _ flags: TCPSegment.Flags) -> PacketRecord.Carrier {
      .tcp(TCPSegment(sequence: sequence, acknowledgement: acknowledgement, flags: flags))
    }
    let rtp = Bytes([0x80, 0, 0, 1] + [UInt8](repeating: 0x55, count: 168))
    return capture(
      [
        record(1, at: 1, "OPTIONS", Label(.request("OPTIONS"), cause: .timerE, attempt: 2), .lost(.random)),
        record(2, at: 2, as: .received, from: bobPort, to: alicePort, "x", Label(.response(status: 200, "OPTIONS"))),
        record(3, at: 3, from: aliceSix, to: bobSix, rtp, Label(.rtp(payloadType: 0))),
        record(4, at: 4, over: tcp(100, 0, .syn), Bytes(), .none),
        record(5, at: 5, as: .received, over: tcp(900, 101, [.syn, .ack]), from: bobPort, to: alicePort, Bytes(), .none),
        record(6, at: 6, over: tcp(101, 901, .ack), Bytes(), .none),
        record(7, at: 7, over: tcp(101, 901, [.psh, .ack]), "odd", Label(.request("INVITE"))),
        record(8, at: 8, over: tcp(104, 901, [.fin, .ack]), Bytes(), .none),
        record(9, at: 9, over: tcp(1, 0, .syn), from: aliceSix, to: bobSix, Bytes(), .none),
        record(10, at: 10, Bytes([UInt8](repeating: 9, count: 65_507)), Label(.raw)),
        record(11, at: 11, Bytes([UInt8](repeating: 9, count: 65_535)), Label(.raw)),
      ], options: options,
      secrets: ["CLIENT_RANDOM " + String(repeating: "ab", count: 32) + " " + String(repeating: "cd", count: 48)])
  }

  @Test func `a note stands between two frames and is none of them`() throws {
    let output = ByteOutput()
    let file = CaptureFile(output, interface: "alice", epoch: .virtual)
    file.append(record(1, at: 1, "first", .none))
    file.append(note: "BYE to 192.0.2.9:5060 was not sent", at: Instant(nanoseconds: 2))
    file.append(record(2, at: 3, "second", .none))
    file.close()
    let path = folder.write(output.bytes, to: "note.pcapng")
    #expect(output.bytes.text.contains("was not sent"))
    let frames = try Tshark.run(["-r", path, "-n", "-T", "fields", "-e", "frame.number"], folder: folder)
    #expect(frames.status == 0 && frames.errors.isEmpty && frames.output.split(separator: "\n") == ["1", "2"], "\(frames.errors)")
  }

  @Test(arguments: [LinkType.rawIP, .ethernet])
  func `every frame opens without a complaint and with right checksums`(linkType: LinkType) throws {
    let path = folder.write(everything(CaptureOptions(linkType: linkType)), to: "all.pcapng")
    let checks = ["udp", "tcp", "ip"].flatMap { ["-o", "\($0).check_checksum:TRUE"] }
    let experts = try Tshark.run(["-r", path, "-n", "-q", "-z", "expert,error"] + checks, folder: folder)
    #expect(experts.status == 0 && experts.errors.isEmpty, "\(experts.errors)")
    #expect(!experts.output.contains("Errors"), "\(experts.output)")
    let rows = try Tshark.fields(
      ["ip.checksum.status", "udp.checksum.status", "tcp.checksum.status", "frame.time_epoch"], of: path, folder: folder)
    #expect(rows.count == 11)
    for (index, row) in rows.enumerated() {
      // 1 = good; the field is empty where the frame has no such header.
      #expect(row[0...2].allSatisfy { $0 == "1" || $0.isEmpty } && row[1] + row[2] == "1", "frame \(index + 1): \(row)")
    }
    #expect(rows.map { $0[3] } == (1...11).map { "1767225600.0000000\($0 < 10 ? "0" : "")\($0)" })
  }

  @Test func `comments, directions, lengths and sequence numbers arrive`() throws {
    let path = folder.write(everything(), to: "all.pcapng")
    let rows = try Tshark.fields(
      [
        "frame.comment", "frame.packet_flags_direction", "frame.len", "frame.cap_len", "tcp.seq_raw", "tcp.options.mss_val", "ip.flags.df",
        "ip.ttl", "ip.id",
      ],
      of: path, folder: folder)
    #expect(rows[0] == ["OPTIONS, Timer E, 2nd retransmission; lost on the link", "0x00000002", "35", "35", "", "", "1", "64", "0x0001"])
    #expect(rows[1][0...1] == ["", "0x00000001"])
    #expect(rows[2][0] == "")
    #expect(rows[3][4...5] == ["100", "1460"] && rows[8][4...5] == ["1", "1440"])
    #expect(rows[6][0] == "INVITE" && rows[6][4] == "101")
    #expect(rows[10][2...3] == ["65563", "65535"])
  }

  @Test(.enabled(if: Tshark.hasCapinfos, "capinfos is not installed"))
  func `the secrets are counted as decryption secrets, and are gone once stripped`() throws {
    let path = folder.write(everything(), to: "all.pcapng")
    let line = "Number of decryption secrets in file: 1"
    #expect(try Tshark.run([path], program: Tshark.capinfos, folder: folder).output.contains(line))
    try PcapngRewriting.stripSecrets(path: path)
    let stripped = try Tshark.run([path], program: Tshark.capinfos, folder: folder)
    #expect(stripped.status == 0 && !stripped.output.contains(line) && stripped.output.contains("Number of packets:   11"))
  }

  @Test func `rewritten, merged and stripped files open as well`() throws {
    let sink = CaptureSink(.folder(folder.path))
    sink.hostAdded(alice, name: "alice")
    sink.hostAdded(bob, name: "bob")
    sink.record(JournalRecord(at: .zero, host: alice, .secret(KeyLogLine("CLIENT_RANDOM \(String(repeating: "00", count: 32)) 11"))))
    sink.packet(record(1, at: 10, Bytes(), Label(.keepAlive)))
    sink.packet(record(1, at: 20, host: bob, as: .received, Bytes()))
    sink.record(JournalRecord(at: .zero, host: .stage, .finding(text: "RFC 5626 §3.5.1: Übel", frames: [FrameCitation(alice, 1)])))
    sink.finish(at: Instant(nanoseconds: 30))
    let (one, two, both) = (folder.file("alice.pcapng"), folder.file("bob.pcapng"), folder.file("both.pcapng"))
    #expect(sink.failure == nil && sink.paths == [one, two])
    try CaptureMerge.merge(files: [one, two], into: both)
    #expect(try Tshark.fields(["frame.comment"], of: one, folder: folder) == [["keep-alive,RFC 5626 §3.5.1: Übel"]])
    #expect(
      try Tshark.fields(["frame.interface_name", "frame.comment"], of: both, folder: folder)
        == [["alice", "keep-alive,RFC 5626 §3.5.1: Übel"], ["bob", ""]])
    try PcapngRewriting.stripSecrets(path: one)
    for file in [one, two, both] {
      let result = try Tshark.run(["-r", file, "-q", "-z", "expert,error"], folder: folder)
      #expect(result.status == 0 && result.errors.isEmpty && !result.output.contains("Errors"), "\(file): \(result.errors)")
    }
  }
}
