# The native engine: every C file of native/ becomes build/Release/sluice.node. No dependency but the headers beside
# the running node (Node-API 8, libuv, the OpenSSL that node itself exports). The harness below native/harness is a
# program of its own with its own Makefile and is not part of the module.
# SLUICE_SANITIZE=address|undefined|thread in the environment adds that sanitizer; scripts/build-native.mjs sets it
# and builds in a folder of its own, so that the ordinary module stays as it is.
{
  'variables': {
    'sanitize%': '<!(node -p "process.env.SLUICE_SANITIZE || \'none\'")',
  },
  'targets': [
    {
      'target_name': 'sluice',
      'sources': [
        '<!@(node -p "require(\'node:fs\').readdirSync(\'native\').filter((name) => name.endsWith(\'.c\')).sort().map((name) => \'native/\' + name).join(\' \')")',
      ],
      'include_dirs': ['native'],
      'defines': ['_GNU_SOURCE', 'NAPI_VERSION=8'],
      'cflags!': ['-O3'],
      'cflags': ['-O2', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
      'cflags_c': ['-std=c11'],
      'conditions': [
        ['sanitize!="none"', {
          'cflags': ['-fsanitize=<(sanitize)', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all', '-g'],
          'ldflags': ['-fsanitize=<(sanitize)'],
        }],
      ],
      'configurations': {
        'Release': {
          'cflags!': ['-O3'],
        },
      },
    },
  ],
}
