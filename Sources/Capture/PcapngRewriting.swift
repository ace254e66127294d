import SansIO

/// Copies of pcapng files, block by block, with something added or left out.
public enum PcapngRewriting {
  /// Copies a capture and adds comments to packets: to the `n`-th Enhanced Packet Block, counted from 1.
  public static func addComments(_ comments: [UInt32: [String]], from input: ByteInput, to output: ByteOutput) throws(CaptureReadError) {
    var blocks = PcapngBlockReader(input)
    var frame: UInt32 = 0
    while let block = try blocks.next() {
      if block.type == Pcapng.BlockType.enhancedPacket {
        frame &+= 1
        if let added = comments[frame] {
          output.append(try commented(block, added))
          continue
        }
      }
      output.append(block.bytes)
    }
    output.flush()
  }

  /// Copies a capture without its Decryption Secrets Blocks.
  public static func stripSecrets(from input: ByteInput, to output: ByteOutput) throws(CaptureReadError) {
    var blocks = PcapngBlockReader(input)
    while let block = try blocks.next() {
      if block.type != Pcapng.BlockType.secrets { output.append(block.bytes) }
    }
    output.flush()
  }

  /// Takes the secrets out of the file at `path`, which stays as it was when something fails.
  public static func stripSecrets(path: String) throws(CaptureReadError) {
    try replace(path) { input, output throws(CaptureReadError) in try stripSecrets(from: input, to: output) }
  }

  /// Writes a changed copy beside the file and puts it in the file's place once it is whole.
  static func replace(
    _ path: String, _ copy: (ByteInput, ByteOutput) throws(CaptureReadError) -> Void
  ) throws(CaptureReadError) {
    let partial = path + ".partial"
    let input = try ByteInput(path: path)
    guard try input.isAtEnd || !input.isPacked else { throw CaptureReadError(.packed, at: 0) }
    let output = ByteOutput(path: partial)
    do {
      try copy(input, output)
    } catch {
      FileSystem.remove(partial)
      throw error
    }
    output.close()
    if let failure = output.failure ?? FileSystem.replace(path, with: partial) {
      FileSystem.remove(partial)
      throw CaptureReadError(.unreadable(failure), at: input.offset)
    }
  }

  /// The block with further comments at the end of its options.
  private static func commented(_ block: PcapngBlock, _ comments: [String]) throws(CaptureReadError) -> Bytes {
    let captured = try block.capturedLength()
    var end = 28 + captured + (-captured & 3)
    for option in try block.options(from: end) { end += 4 + option.value.count + (-option.value.count & 3) }
    var bytes = Array(block.bytes[0..<min(end, block.bodyEnd)])
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: block.fields.isBigEndian ? value.bigEndian : value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    for comment in comments {
      let text = PcapngWriter.commentBytes(comment)
      append(Pcapng.Option.comment)
      append(UInt16(text.count))
      bytes += text + Array(repeating: 0, count: -text.count & 3)
    }
    append(UInt32(0))
    let length = UInt32(bytes.count + 4)
    append(length)
    withUnsafeBytes(of: block.fields.isBigEndian ? length.bigEndian : length.littleEndian) { bytes.replaceSubrange(4..<8, with: $0) }
    return Bytes(bytes)
  }
}
