import Foundation
import SansIO
import Testing

@testable import Capture

@Suite struct CaptureSinkTests {
  private func filled(_ target: CaptureTarget, options: CaptureOptions = CaptureOptions()) -> CaptureSink {
    let sink = CaptureSink(target, options: options)
    sink.hostAdded(alice, name: "alice")
    sink.hostAdded(bob, name: "bob")
    sink.record(JournalRecord(at: .zero, host: alice, .secret(KeyLogLine("CLIENT_RANDOM 00 11"))))
    for frame in 1...3 as ClosedRange<UInt32> {
      sink.packet(record(frame, at: Int64(frame) * 1000, Bytes("payload \(frame)")))
      sink.packet(record(frame, at: Int64(frame) * 1000 + 500, host: bob, as: .received, Bytes("payload \(frame)")))
    }
    return sink
  }

  @Test func `each host's capture holds what it sent and received, in order`() throws {
    let sink = filled(.memory)
    sink.packet(record(4, at: 9000, host: bob, from: bobPort, to: alicePort, "answer"))
    sink.finish(at: Instant(nanoseconds: 10_000))
    let ofAlice = try packets(in: try #require(sink.bytes(of: alice)))
    let ofBob = try packets(in: try #require(sink.bytes(of: bob)))
    #expect(ofAlice.map(\.timestamp) == [1000, 2000, 3000].map { Epoch.virtual.unixNanoseconds + $0 })
    #expect(ofBob.map(\.timestamp) == [1500, 2500, 3500, 9000].map { Epoch.virtual.unixNanoseconds + $0 })
    #expect(ofBob.map(\.direction) == [.received, .received, .received, .sent])
    #expect(sink.frames(of: bob) == 4 && sink.failure == nil)
    #expect(sink.bytes(of: HostID(9)) == nil)
  }

  @Test func `a finding is added to the frames it cites, after the label, and nothing else changes`() throws {
    let plain = filled(.memory)
    plain.finish(at: .zero)
    let sink = filled(.memory)
    sink.record(
      JournalRecord(
        at: .zero, host: .stage, .finding(text: "CALL-01: no answer", frames: [FrameCitation(alice, 2), FrameCitation(bob, 3)])))
    sink.record(
      JournalRecord(at: .zero, host: .stage, .finding(text: "second", frames: [FrameCitation(alice, 2), FrameCitation(alice, 99)])))
    sink.finish(at: .zero)
    let ofAlice = try packets(in: try #require(sink.bytes(of: alice)))
    #expect(ofAlice.map(\.comments) == [["INVITE"], ["INVITE", "CALL-01: no answer", "second"], ["INVITE"]])
    #expect(try packets(in: try #require(sink.bytes(of: bob))).map(\.comments) == [[], [], ["CALL-01: no answer"]])
    let before = try packets(in: try #require(plain.bytes(of: alice)))
    #expect(before.map(\.bytes) == ofAlice.map(\.bytes) && before.map(\.timestamp) == ofAlice.map(\.timestamp))
  }

  @Test func `files in a folder are byte for byte those in memory, with findings`() throws {
    let folder = TemporaryFolder()
    let finding = JournalRecord(at: .zero, host: .stage, .finding(text: "late", frames: [FrameCitation(bob, 1)]))
    let onDisk = filled(.folder(folder.file("deep/out")))
    let inMemory = filled(.memory)
    for sink in [onDisk, inMemory] {
      sink.record(finding)
      sink.finish(at: .zero)
    }
    #expect(onDisk.failure == nil)
    #expect(onDisk.paths == [folder.file("deep/out/alice.pcapng"), folder.file("deep/out/bob.pcapng")])
    #expect(folder.read("deep/out/alice.pcapng") == inMemory.bytes(of: alice))
    #expect(folder.read("deep/out/bob.pcapng") == inMemory.bytes(of: bob))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("deep/out")).sorted() == ["alice.pcapng", "bob.pcapng"])
  }

  @Test func `a NAT has the secrets of those whose packets it passes on, and no other host has them`() throws {
    for forwards in [true, false] {
      let sink = CaptureSink(.memory)
      for (host, name) in [(alice, "alice"), (bob, "nat")] { sink.hostAdded(host, name: name) }
      if forwards { sink.forwards(bob) }
      sink.record(JournalRecord(at: .zero, host: alice, .secret(KeyLogLine("CLIENT_RANDOM 00 11"))))
      sink.finish(at: .zero)
      #expect(try #require(sink.bytes(of: bob)).text.contains("CLIENT_RANDOM 00 11") == forwards)
      #expect(try #require(sink.bytes(of: alice)).text.contains("CLIENT_RANDOM 00 11"))
    }
  }

  @Test func `secrets stand before the packets of their host, and a switch leaves them out`() throws {
    func blocks(_ sink: CaptureSink, _ host: HostID) throws -> [String] {
      sink.finish(at: .zero)
      var reader = try CaptureReader(try #require(sink.bytes(of: host)))
      var kinds: [String] = []
      while let item = try reader.next() {
        switch item {
        case .interface: kinds.append("interface")
        case .packet: kinds.append("packet")
        case .secrets(let secrets): kinds.append(secrets.data.text)
        case .statistics: kinds.append("statistics")
        case .other(let type): kinds.append("\(type)")
        }
      }
      return kinds
    }
    let rest = ["packet", "packet", "packet", "statistics"]
    #expect(try blocks(filled(.memory), alice) == ["168627466", "interface", "CLIENT_RANDOM 00 11\n"] + rest)
    #expect(try blocks(filled(.memory), bob) == ["168627466", "interface"] + rest)
    #expect(try blocks(filled(.memory, options: CaptureOptions(writesSecrets: false)), alice) == ["168627466", "interface"] + rest)
  }

  @Test func `a folder that cannot be made is a failure, not a trap`() {
    let sink = filled(.folder("/proc/nowhere"))
    sink.finish(at: .zero)
    #expect(sink.failure?.operation == .createFolder)
    #expect(sink.failure?.path == "/proc/nowhere")
    #expect(sink.failure?.description.hasPrefix("cannot create the folder /proc/nowhere: ") == true)
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "the system has no /dev/full"))
  func `a full disk is remembered once and the run goes on`() {
    let file = CaptureFile(ByteOutput(path: "/dev/full", buffer: 4096), interface: "a", epoch: .virtual)
    for frame in 1...100 as ClosedRange<UInt32> { file.append(record(frame, Bytes([UInt8](repeating: 0, count: 1000)))) }
    file.close()
    #expect(file.failure == CaptureFailure(.write, "/dev/full", code: 28))
    #expect(file.frames == 100)
  }

  @Test(arguments: [
    ("alice", "alice.pcapng"), ("../../etc/passwd", "_.-..-etc-passwd.pcapng"), ("", "host.pcapng"), ("Zoë & co", "Zo----co.pcapng"),
    (".hidden", "_hidden.pcapng"),
  ])
  func `a host's name becomes a safe file name`(name: String, file: String) {
    #expect(CaptureSink.fileName(for: name, taken: []) == file)
  }

  @Test func `two names that become one get numbers`() {
    #expect(CaptureSink.fileName(for: "a/b", taken: ["A-b.pcapng"]) == "a-b-2.pcapng")
    #expect(CaptureSink.fileName(for: "a b", taken: ["a-b.pcapng", "a-b-2.pcapng"]) == "a-b-3.pcapng")
  }

  @Test func `many times the buffer's size, in packets of all sizes, reaches the file whole`() {
    let folder = TemporaryFolder()
    let outputs = [ByteOutput(path: folder.file("a"), buffer: 4096), ByteOutput()]
    for output in outputs {
      let file = CaptureFile(output, interface: "a", epoch: .virtual)
      for frame in 1...400 as ClosedRange<UInt32> {
        let size = frame % 97 == 0 ? 60_000 : Int(frame) * 7 % 1500
        file.append(record(frame, at: Int64(frame), Bytes([UInt8](repeating: UInt8(frame & 255), count: size))))
      }
      file.close()
    }
    #expect(outputs[1].count == outputs[1].bytes.count)
    #expect(folder.read("a") == outputs[1].bytes)
    #expect((try? packets(in: outputs[1].bytes).count) == 400)
  }

  @Test func `each interface's statistics say when its own first and last packet came, and how many`() {
    let file = CaptureFile(ByteOutput(), interface: "a", epoch: .virtual)
    let second = file.addInterface(named: "b")
    for (frame, interface) in [(1, 0), (2, second), (3, 0), (4, second), (5, 0)] as [(UInt32, Int)] {
      file.append(record(frame, at: Int64(frame) * 1_000_000_000), interface: interface)
    }
    file.close()
    let blocks = Array(file.output.bytes.array.suffix(2 * 0x40))
    func time(_ offset: Int) -> Int64 {
      let words = [0, 4].map { start in (0..<4).reduce(UInt64(0)) { $0 | UInt64(blocks[offset + start + $1]) << UInt64(8 * $1) } }
      return Int64(words[0] << 32 | words[1]) - Epoch.virtual.unixNanoseconds(at: .zero)
    }
    // Start and end in options 2 and 3, the count in option 4 (draft-ietf-opsawg-pcapng §4.6).
    for (block, expected) in [(0, (first: 1, last: 5, count: 3)), (0x40, (first: 2, last: 4, count: 2))] {
      #expect(time(block + 24) == Int64(expected.first) * 1_000_000_000 && time(block + 36) == Int64(expected.last) * 1_000_000_000)
      #expect(Int(blocks[block + 48]) == expected.count)
    }
  }

  @Test func `a later file of one host counts from its first frame`() {
    let file = CaptureFile(ByteOutput(), interface: "a", epoch: .virtual)
    for frame in [5001, 5002, 5004] as [UInt32] { file.append(record(frame)) }
    #expect(file.firstFrame == 5001 && file.frames == 3 && file.misnumbered == 1)
    file.close()
    let size = file.byteCount
    file.append(record(5005))
    #expect(file.byteCount == size)
  }

  @Test func `citations are bounded`() {
    let sink = filled(.memory)
    let many = (0..<CaptureSink.citationLimit - 1).map { FrameCitation(alice, UInt32($0) + 1000) }
    sink.record(JournalRecord(at: .zero, host: .stage, .finding(text: "x", frames: many)))
    sink.record(JournalRecord(at: .zero, host: .stage, .finding(text: "y", frames: [FrameCitation(alice, 1), FrameCitation(alice, 2)])))
    #expect(sink.droppedCitations == 1)
  }
}
