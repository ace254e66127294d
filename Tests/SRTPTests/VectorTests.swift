import Testing

@testable import SRTP

/// The vectors of the RFCs, which begin at session keys: they hold for the transform of this test target, whose packets libsrtp2's are
/// compared with.
@Suite struct VectorTests {
  private static let counter = Sample.hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")

  @Test(
    arguments: [
      (
        "2B7E151628AED2A6ABF7158809CF4F3C",
        "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"
      ),
      (
        "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
        "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31"
      ),
      (
        "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
        "35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a474a40c77894bc17180202272a4c264d"
      ),
    ])
  func `the keystream of AES in counter mode begins as printed (RFC 3711 §B.2, RFC 6188 §7.1, §7.3)`(key: String, expected: String) {
    #expect(ReferenceTransform.keystream(Sample.hex(key), Self.counter, 48) == Sample.hex(expected))
  }

  @Test(
    arguments: [
      (
        "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
        "cea518c90fd91ced9cbb18c078a547113dbc4814f4da5f00a08772b63c6a046d6eb246913062a16891433e97dd01a57f"
      ),
      (
        "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
        "d108d1a31a00bad6367ec23eb044b415c8f57129fdeb970b59f917b257662d4ca5dab625811034e8cebdfeb6dc158dd3"
      ),
    ])
  func `and its blocks 65279 to 65281 are as printed (RFC 6188 §7.1, §7.3)`(key: String, expected: String) {
    #expect(ReferenceTransform.keystream(Sample.hex(key), Self.counter, 65_282 * 16).suffix(48) == Sample.hex(expected)[...])
  }

  @Test(
    arguments: [
      [
        "E1F97A0D3E018BE0D64FA32C06DE4139", "0EC675AD498AFEEBB6960B3AABE6", "C61E7A93744F39EE10734AFE3FF7A087",
        "30CBBC08863D8C85D49DB34A9AE1", "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
      ],
      [
        "f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6", "3b04803de51ee7c96423ab5b78d2",
        "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4", "fa31791685ca444a9e07c6c64e93",
        "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05",
      ],
      [
        "73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1", "c8522f3acd4ce86d5add78edbb11",
        "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb", "2372b82d639b6d8503a47adc0a6c", "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb",
      ],
    ])
  func `session keys are derived as printed (RFC 3711 §B.3, RFC 6188 §7.2, §7.4)`(vector: [String]) {
    let fields = vector.map(Sample.hex)
    for (label, length, expected) in [(0, fields[0].count, fields[2]), (2, 14, fields[3]), (1, 20, fields[4])] as [(UInt8, Int, [UInt8])] {
      #expect(ReferenceTransform.derive(fields[0], fields[1], label: label, count: length) == expected, "label \(label)")
    }
  }

  // MARK: - RFC 7714

  private static let shortKey = "000102030405060708090a0b0c0d0e0f"
  private static let longKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
  private static let salt = Sample.hex("517569642070726f2071756f")

  @Test(
    arguments: [
      (
        shortKey,
        """
        f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce
        """
      ),
      (
        longKey,
        """
        32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13
        """
      ),
    ])
  func `an RTP packet is sealed as printed (RFC 7714 §16.1.1, §16.2.1)`(key: String, expected: String) {
    let header = Sample.hex("8040f17b8041f8d35501a0b2")
    let transform = ReferenceTransform(cipherKey: Sample.hex(key), salt: Self.salt)
    let packet = header + Array("Gallia est omnis divisa in partes tres".utf8)
    #expect(transform.protectedRTP(packet, header: 12, index: 0xF17B) == header + Sample.hex(expected))
  }

  private static let compound = Sample.hex(
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef")

  @Test(
    arguments: [
      (
        shortKey,
        """
        81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf872
        45d9eade800005d4
        """
      ),
      (
        longKey,
        """
        81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57ff6f6c
        b26ac3be800005d4
        """
      ),
    ])
  func `an RTCP packet is sealed as printed (RFC 7714 §17.1, §17.2)`(key: String, expected: String) {
    let transform = ReferenceTransform(cipherKey: Sample.hex(key), salt: Self.salt)
    #expect(transform.protectedRTCP(Self.compound, index: 0x5D4) == Sample.hex(expected))
  }

  @Test func `an RTCP packet in clear has the printed tag (RFC 7714 §17.3)`() {
    let transform = ReferenceTransform(cipherKey: Sample.hex(Self.shortKey), salt: Self.salt)
    #expect(transform.tagOfClearRTCP(Self.compound, index: 0x5D4) == Sample.hex("841dd9683dd78ec92ae58790125f62b3"))
  }
}
