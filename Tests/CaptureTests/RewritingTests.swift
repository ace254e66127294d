import SansIO
import Testing

@testable import Capture

@Suite struct RewritingTests {
  @Test func `a capture without its secrets is the capture that was made without them`() throws {
    let records = [record(1), record(2)]
    let with = capture(records, secrets: ["CLIENT_RANDOM aa bb", "CLIENT_RANDOM cc dd"])
    let output = ByteOutput()
    try PcapngRewriting.stripSecrets(from: ByteInput(with), to: output)
    #expect(output.bytes == capture(records))
    let folder = TemporaryFolder()
    let path = folder.write(with, to: "a.pcapng")
    try PcapngRewriting.stripSecrets(path: path)
    #expect(folder.read("a.pcapng") == capture(records))
    #expect(folder.read("a.pcapng.partial").isEmpty)
  }

  @Test func `a file that cannot be copied whole stays as it was`() throws {
    let folder = TemporaryFolder()
    let cut = capture([record(1)])[0..<200]
    let path = folder.write(cut, to: "cut.pcapng")
    #expect(throws: CaptureReadError.self) { try PcapngRewriting.stripSecrets(path: path) }
    #expect(folder.read("cut.pcapng") == cut)
    #expect(folder.read("cut.pcapng.partial").isEmpty)
  }

  @Test func `comments are added to a big-endian file in its own byte order`() throws {
    let big: [UInt8] =
      [0x0A, 0x0D, 0x0D, 0x0A, 0, 0, 0, 28, 0x1A, 0x2B, 0x3C, 0x4D, 0, 1, 0, 0] + [UInt8](repeating: 0xFF, count: 8) + [0, 0, 0, 28]
      + [0, 0, 0, 1, 0, 0, 0, 20, 0, 101, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20]
      + [0, 0, 0, 6, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 1, 9, 0, 0, 0, 0, 0, 0, 36]
    let output = ByteOutput()
    try PcapngRewriting.addComments([1: ["finding"]], from: ByteInput(Bytes(big)), to: output)
    let read = try packets(in: output.bytes)
    #expect(read.map(\.comments) == [["finding"]] && read.map(\.bytes) == [[9]] && read.map(\.timestamp) == [5000])
  }

  @Test func `captures are merged by time, an interface each, with all secrets`() throws {
    let left = capture([record(1, at: 10, "a"), record(2, at: 30, "c")], secrets: ["CLIENT_RANDOM 1 2"])
    let right = capture([record(1, at: 10, as: .received, "b"), record(2, at: 40, "d")], options: CaptureOptions(linkType: .ethernet))
    let output = ByteOutput()
    try CaptureMerge.merge([ByteInput(left), ByteInput(right)], into: output)
    let read = try packets(in: output.bytes)
    #expect(read.map(\.interface) == [0, 1, 0, 1])
    #expect(read.map { $0.bytes.last } == "abcd".utf8.map { $0 })
    #expect(read.map(\.linkType) == [.rawIP, .ethernet, .rawIP, .ethernet])
    #expect(read.map(\.direction) == [.sent, .received, .sent, .sent])
    #expect(read[0].comments == ["INVITE"])
    var reader = try CaptureReader(output.bytes)
    var secrets = 0
    while let item = try reader.next() { if case .secrets = item { secrets += 1 } }
    #expect(secrets == 1)
  }

  @Test func `a source that breaks off gives what it has, and the error comes last`() throws {
    let left = capture([record(1, at: 10, "a")])
    let right = capture([record(1, at: 20, "b"), record(2, at: 30, "c")])
    let output = ByteOutput()
    #expect(throws: CaptureReadError.self) {
      try CaptureMerge.merge([ByteInput(left), ByteInput(right[0..<right.count - 90])], into: output)
    }
    #expect(try packets(in: output.bytes).map { $0.bytes.last } == "ab".utf8.map { $0 })
  }
}
